// A network of one's own: layers in a row, of which each knows its shapes from the one before.
//   node own-architecture.js
import { normalisationOf, shapesSplits } from "@cifar/cifar";
import { conv2d, dropout, evaluate, fit, flatten, linear, maxPool2d, relu, Sequential } from "@cifar/cnn";

const model = new Sequential({
  input: [32, 32, 3],
  layers: [
    ...[conv2d({ filters: 16, kernel: 5, padding: 2 }), relu(), maxPool2d({ size: 4 })],
    ...[conv2d({ filters: 32, kernel: 3, padding: 1 }), relu(), maxPool2d({ size: 2 })],
    ...[flatten(), linear({ outputs: 64 }), relu(), dropout(0.2), linear({ outputs: 10 })],
  ],
}).initialise({ method: "pytorch", seed: 0 });
console.log(model.summary());

const { train, test } = shapesSplits({ train: 1280, test: 200, seed: 0 });
const normalisation = normalisationOf(train);
const schedule = /** @type {const} */ ({ type: "cosine", warmup: 0.1, end: 0 });
const optimiser = { learningRate: 0.05, weightDecay: 5e-4 };
for await (const event of fit(model, { train }, { epochs: 4, batchSize: 32, optimiser, schedule, normalisation })) {
  if (event.type === "epoch") console.log(`epoch ${event.epoch}: loss ${event.trainLoss.toFixed(3)}`);
}
console.log(`${(100 * (await evaluate(model, test, { normalisation })).accuracy).toFixed(1)} % of the test pictures`);
