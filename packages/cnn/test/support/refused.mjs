/**
 * Trains a small network for two steps and classifies, with the options of the first argument, and prints as JSON what
 * served and what was said of it, or the error. A program, since what is refused is refused to a whole process.
 */
import { conv2d, createPredictor, fit, flatten, linear, relu, Sequential, weightsDigest } from "@cifar/cnn";

const options = JSON.parse(process.argv[2] ?? "{}");
const notices = [];
const onNotice = (line) => notices.push(line);
const count = 32;
const images = Uint8Array.from({ length: count * 6 * 6 * 3 }, (_, i) => (i * 7919) % 251);
const labels = Uint8Array.from({ length: count }, (_, n) => n % 2);
const train = { name: "noise", images, labels, shape: [6, 6, 3], classes: ["a", "b"], count };
const normalisation = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const model = new Sequential({
  input: [6, 6, 3],
  layers: [conv2d({ filters: 16, kernel: 3, padding: 1 }), relu(), flatten(), linear({ outputs: 2 })],
}).initialise({ method: "he", seed: 1 });

async function run() {
  const common = { ...options, normalisation, onNotice };
  let threads;
  let backend;
  for await (const event of fit(model, { train }, { ...common, epochs: 2, optimiser: { learningRate: 0.01 } })) {
    if (event.type === "start") ({ threads, backend } = event);
  }
  const trained = notices.splice(0);
  const predictor = await createPredictor(model, { ...common, classes: train.classes, batchSize: count });
  await predictor.predict(images);
  const same = predictor.threads === threads && predictor.description === backend;
  predictor.close();
  return { threads, backend, same, trained, predicted: notices, digest: weightsDigest(model) };
}

run().then(
  (outcome) => console.log(JSON.stringify(outcome)),
  ({ name, code, message }) => console.log(JSON.stringify({ name, code, message })),
);
