"""PyTorch as a contestant: the network in channels-last layout, its fastest on a CPU. Protocol: bench/src/protocol.ts."""
import json
import re
import struct
import sys
import time

try:
    import torch
    import torch.nn as nn
except ImportError:
    print(json.dumps({"refused": "PyTorch is not installed (Debian: apt-get install python3-torch)"}), flush=True)
    sys.exit(0)


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        body = file.read()
    kinds = {"F32": torch.float32, "I32": torch.int32, "U8": torch.uint8}
    return {
        name: torch.frombuffer(bytearray(body[slice(*entry["data_offsets"])]), dtype=kinds[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def network():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=2), nn.ReLU(), nn.Dropout(0.1),
        nn.Conv2d(32, 32, 3, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=2), nn.ReLU(), nn.Dropout(0.1),
        nn.Conv2d(64, 64, 3, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7744, 10),
    )


def description():
    """Which PyTorch this is and what computes for it: builds of one version come with different libraries."""
    built = torch.__config__.show()
    parts = [
        ("oneDNN %s", r"MKL-DNN v([\d.]+)"),
        ("BLAS %s", r"BLAS_INFO=(\w+)"),
        ("CPU capability %s", r"CPU capability usage: (\w+)"),
    ]
    found = [(text, re.search(pattern, built)) for text, pattern in parts]
    origin = "Debian's python3-torch" if torch.__file__.startswith("/usr/lib/python3/dist-packages/") else "PyTorch"
    details = [text % match.group(1) for text, match in found if match] + ["channels-last layout"]
    return "%s %s (%s)" % (origin, torch.__version__, ", ".join(details))


step = None
for line in sys.stdin:
    request = json.loads(line)
    if "prepare" in request:
        prepare = request["prepare"]
        torch.set_num_threads(prepare["threads"])
        model = network().to(memory_format=torch.channels_last)
        model.load_state_dict(read_safetensors(prepare["weights"]))
        data = read_safetensors(prepare["input"])
        pictures = data["input"].to(memory_format=torch.channels_last)
        labels = data["labels"].long()
        if prepare["task"] == "train":
            model.train()
            optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)

            def step():
                optimiser.zero_grad()
                loss = nn.functional.cross_entropy(model(pictures), labels)
                loss.backward()
                optimiser.step()
                return loss

            # without dropout first, so that the losses can be compared
            for layer in model:
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.0
            output = [step().item(), step().item()]
            for layer in model:
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.1
        else:
            model.eval()

            def step():
                with torch.no_grad():
                    return model(pictures)

            output = step().softmax(1).flatten().tolist()
        print(json.dumps({"description": description(), "output": output}), flush=True)
    else:
        times = []
        for _ in range(request["run"]["iterations"]):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1000)
        print(json.dumps({"milliseconds": times}), flush=True)
