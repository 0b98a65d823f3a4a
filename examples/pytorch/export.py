# Saves the weights of an nn.Sequential, and prints what it says to one picture.
import torch
from safetensors.torch import save_file
from torch import nn

network = nn.Sequential(
    nn.Conv2d(3, 8, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(4),
    nn.Flatten(),
    nn.Linear(8 * 8 * 8, 3),
)
save_file(network.state_dict(), "weights.safetensors")

# Redder to the right, greener to the bottom.
ramp = 8 * torch.arange(32)
picture = torch.stack([ramp.expand(32, 32), ramp[:, None].expand(32, 32), torch.full((32, 32), 128)])
with torch.no_grad():
    print(network((picture[None] / 255 - 0.5) / 0.25).softmax(1).flatten().tolist())
