/**
 * Prints the digest of what convolutions and products compute, forward and backward, after enough calls that V8 has
 * optimised their code: only optimised code is re-vectorised. A program, since V8's flags hold for a whole process.
 */
import { createHash } from "node:crypto";
import { createWasmBackend, fillNormal } from "@cifar/tensor";
import { enableRevectorization } from "@cifar/tensor/node";

enableRevectorization();
const backend = createWasmBackend();
const hash = createHash("sha256");
let stream = 0;

/** A tensor of normally distributed numbers. */
function random(shape) {
  const tensor = backend.tensor(shape);
  fillNormal(tensor.data, { seed: 1, stream: stream++ });
  return tensor;
}

function run(operation, { input, output, weight, bias }) {
  const [x, y, g] = [random(input), backend.tensor(output), random(output)];
  const [dx, dw, db] = [backend.tensor(input), backend.tensor(weight), backend.tensor(bias)];
  operation.prepare(random(weight), random(bias));
  const backward = operation.backwardFilter ?? operation.backwardWeight;
  for (let call = 0; call < 150; call++) {
    operation.forward(x, y);
    operation.backwardInput(g, dx);
    backward(x, g, dw, db);
  }
  for (const { data } of [y, dx, dw, db]) hash.update(new Uint8Array(data.slice().buffer));
}

// Direct with an odd stride, direct as the first layer is, and Winograd cut both ways with ragged tiles.
for (const { input, filters, kernel, stride, padding } of [
  { input: [2, 9, 7, 5], filters: 13, kernel: 5, stride: 2, padding: 2 },
  { input: [2, 12, 12, 3], filters: 32, kernel: 3, stride: 1, padding: 2 },
  { input: [2, 8, 8, 16], filters: 24, kernel: 3, stride: 1, padding: 2 },
  { input: [2, 11, 9, 24], filters: 16, kernel: 3, stride: 1, padding: 1 },
]) {
  const conv = backend.conv2d({ input, filters, kernel, stride, padding });
  run(conv, { input, output: conv.outputShape, weight: conv.filterShape, bias: [filters] });
}
run(backend.linear({ batch: 8, inputs: 200, outputs: 10 }), {
  input: [8, 200],
  output: [8, 10],
  weight: [200, 10],
  bias: [10],
});
console.log(JSON.stringify({ vectors: backend.vectors, digest: hash.digest("hex") }));
