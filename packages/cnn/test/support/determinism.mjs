/**
 * Trains a small network on as many threads as the first argument says, on the backend that the second names, for as many
 * epochs of 5 steps as the third says (default: wasm, 100 steps), and prints the digest of its weights: for a backend the
 * same for every number of threads, every Node, with and without re-vectorisation. A program, since it has to run in other
 * Nodes too.
 */
import { createHash } from "node:crypto";
import { conv2d, dropout, fit, flatten, linear, maxPool2d, relu, Sequential } from "@cifar/cnn";
import { RandomStream } from "@cifar/tensor";
import { enableRevectorization } from "@cifar/tensor/node";

const [, , threadsWanted, backend = "wasm", epochs = 20] = process.argv;
const { enabled } = enableRevectorization();
const random = new RandomStream({ seed: 1, stream: 0 });
const count = 190;
const images = Uint8Array.from({ length: count * 12 * 12 * 3 }, () => random.nextBelow(256));
const labels = Uint8Array.from({ length: count }, () => random.nextBelow(4));
const train = { name: "noise", images, labels, shape: [12, 12, 3], classes: ["a", "b", "c", "d"], count };

// The second and third convolutions are Winograd's, ragged tiles included; the first is direct.
const model = new Sequential({
  input: [12, 12, 3],
  layers: [
    conv2d({ filters: 16, kernel: 3, padding: 2 }),
    relu(),
    dropout(0.1),
    conv2d({ filters: 32, kernel: 3, padding: 2 }),
    relu(),
    maxPool2d({ size: 2 }),
    conv2d({ filters: 16, kernel: 3, padding: 1 }),
    relu(),
    flatten(),
    linear({ outputs: 4 }),
  ],
}).initialise({ method: "he", seed: 3 });

const events = fit(
  model,
  { train },
  {
    epochs: Number(epochs),
    batchSize: 40,
    optimiser: { learningRate: 0.01, weightDecay: 1e-4, muon: { learningRate: 0.01 } },
    schedule: { type: "triangular", peakAt: 0.2, start: 0.1, end: 0 },
    labelSmoothing: 0.1,
    augment: { flip: "alternating", shift: 1 },
    averaging: { decay: 0.9 },
    clipNorm: 5,
    normalisation: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    backend,
    threads: Number(threadsWanted),
  },
);
let threads;
for await (const event of events) {
  if (event.type === "start") threads = event.threads;
}
const hash = createHash("sha256");
for (const { data } of model.parameters.values())
  hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
console.log(JSON.stringify({ digest: hash.digest("hex"), threads, enabled, node: process.version }));
