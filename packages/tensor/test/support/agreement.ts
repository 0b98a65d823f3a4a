import { type Backend, RandomStream, type Shape } from "@cifar/tensor";
import { createReferenceBackend } from "@cifar/tensor/reference";
import { distance, setUp } from "./bench.js";
import * as operations from "./operations.js";

/** How far an operation's result is from the reference's, relative to the largest value. */
export interface Agreement {
  readonly what: string;
  readonly error: number;
}

/** The same calls on two backends, on random numbers; the results' distances. Needs no test runner, so it runs in pages. */
export async function compareWithReference(backend: Backend, seed: number): Promise<Agreement[]> {
  const random = new RandomStream({ seed, stream: 0 });
  const reference = createReferenceBackend();
  const agreements: Agreement[] = [];
  for (const [what, operation] of operationsOf(random, seed)) {
    const values = Math.floor(random.nextUniform() * 2 ** 31);
    const expected = await (await setUp(operation, reference, values)).run();
    const actual = await (await setUp(operation, backend, values)).run();
    for (const [name, result] of expected) {
      agreements.push({ what: `${what}: ${name}`, error: distance(actual.get(name)!, result) });
    }
  }
  return agreements;
}

/** Every operation on small shapes. */
function operationsOf(random: RandomStream, seed: number): readonly (readonly [string, operations.Operation])[] {
  const whole = (from: number, to: number) => from + Math.floor(random.nextUniform() * (to - from + 1));
  const [batch, channels, filters] = [whole(1, 4), whole(1, 5), whole(1, 6)];
  const [height, width, kernel] = [whole(5, 8), whole(5, 8), whole(1, 4)];
  const [stride, padding] = [whole(1, 3), whole(0, 2)];
  const input: Shape = [batch, height, width, channels];
  const conv = { input, filters, kernel, stride, padding };
  const loss = { batch, classes: 10, seed };
  const sgd = { shape: input, momentum: 0.9 };
  return [
    ["conv2d", operations.conv2d({ ...conv, relu: false })],
    ["conv2d with relu", operations.conv2d({ ...conv, relu: true })],
    ["maxPool2d", operations.maxPool2d({ input, size: 2 + (seed % 2), stride: 1 + (seed % 3) })],
    ["relu", operations.relu({ shape: input, inPlace: true })],
    ["dropout", operations.dropout({ shape: input, rate: 0.4, seed, inPlace: true })],
    ["linear", operations.linear({ batch, inputs: height * width, outputs: filters })],
    ["softmaxCrossEntropy", operations.softmaxCrossEntropy(loss)],
    ["softmaxCrossEntropy, smoothing 0.2", operations.softmaxCrossEntropy({ ...loss, labelSmoothing: 0.2 })],
    ["softmax", operations.softmax({ batch, classes: filters, inPlace: true })],
    ["sum", operations.sum({ shape: input, count: 1 + (seed % 7) })],
    ["sgd", operations.sgd({ ...sgd, nesterov: false })],
    ["sgd, Nesterov", operations.sgd({ ...sgd, nesterov: true })],
    ["muon on filters", operations.muon({ shape: [kernel, kernel, channels, filters], momentum: 0.6 })],
    ["muon on 3×17", operations.muon({ shape: [3, 17], momentum: 0.6 })],
  ];
}
