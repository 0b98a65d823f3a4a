// Takes over the weights that export.py has saved, and prints what they say to the same picture.
import { readFile } from "node:fs/promises";
import {
  conv2d,
  createPredictor,
  decodeSafetensors,
  flatten,
  fromPyTorch,
  linear,
  maxPool2d,
  relu,
  Sequential,
} from "@cifar/cnn";
import { writeModelFile } from "@cifar/cnn/node";

const weights = await readFile("weights.safetensors").catch((error) => {
  const missing = "weights.safetensors is not in this folder: export.py writes it";
  console.error(error.code === "ENOENT" ? missing : error.message);
  process.exit(1);
});
const model = new Sequential({
  input: [32, 32, 3],
  layers: [
    conv2d({ filters: 8, kernel: 3, padding: 1 }),
    relu(),
    maxPool2d({ size: 4 }),
    flatten(),
    linear({ outputs: 3 }),
  ],
});
fromPyTorch(decodeSafetensors(weights).tensors, model);
const classes = ["apple", "pear", "plum"];
const normalisation = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
await writeModelFile("model.safetensors", model, { classes, normalisation });

// The same picture: redder to the right, greener to the bottom.
const picture = new Uint8Array(32 * 32 * 3);
for (let pixel = 0; pixel < 32 * 32; pixel++) {
  picture.set([8 * (pixel % 32), 8 * Math.floor(pixel / 32), 128], 3 * pixel);
}
const predictor = await createPredictor(model, { normalisation, classes });
console.log(JSON.stringify([...(await predictor.predict(picture))]));
predictor.close();
