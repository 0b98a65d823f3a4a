// Trains on drawn pictures, keeps the model in a file, and classifies with what the file holds.
//   node train-and-classify.js [model.safetensors]
import { normalisationOf, shapesSplits } from "@cifar/cifar";
import { cifarCnn, createPredictor, evaluate, fit } from "@cifar/cnn";
import { readModelFile, writeModelFile } from "@cifar/cnn/node";

const file = process.argv[2] ?? "model.safetensors";
const { train, test } = shapesSplits({ train: 640, test: 200, seed: 1 });
const normalisation = normalisationOf(train);
const network = cifarCnn({ seed: 1 });
const optimiser = { learningRate: 0.03, muon: { learningRate: 0.02 } };
for await (const event of fit(network, { train }, { epochs: 3, optimiser, normalisation })) {
  if (event.type === "epoch") console.log(`epoch ${event.epoch}: loss ${event.trainLoss.toFixed(3)}`);
}
const { accuracy } = await evaluate(network, test, { normalisation });
await writeModelFile(file, network, { classes: train.classes, normalisation, accuracy: { accuracy } });
console.log(`${file}: ${(100 * accuracy).toFixed(1)} % of ${test.count} pictures`);

const { model, card } = await readModelFile(file);
const predictor = await createPredictor(model, card);
for (const [n, { label, confidence }] of (await predictor.classify(test.images.subarray(0, 5 * 3072))).entries()) {
  console.log(`a ${test.classes[test.labels[n] ?? 0]} looks like a ${label} (${(100 * confidence).toFixed(0)} %)`);
}
predictor.close();
