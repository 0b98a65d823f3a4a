import fc from "fast-check";
import { describe, it } from "vitest";
import { backends, fill } from "./support/backends.js";
import { expectClose, FORWARD, GRADIENT, randomNumbers } from "./support/numbers.js";

/** a [rows, inner] · b [inner, columns] in float64. */
function multiply(a: ArrayLike<number>, b: ArrayLike<number>, inner: number, columns: number): Float64Array {
  const rows = a.length / inner;
  const product = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let k = 0; k < inner; k++) product[r * columns + c]! += a[r * inner + k]! * b[k * columns + c]!;
    }
  }
  return product;
}

/** The transpose, of `rows` rows, of a matrix. */
function transposed(matrix: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => matrix[(i % columns) * rows + Math.floor(i / columns)]!,
  );
}

const sizes = fc.oneof(
  fc.record({
    batch: fc.integer({ min: 1, max: 9 }),
    inputs: fc.integer({ min: 1, max: 40 }),
    outputs: fc.integer({ min: 1, max: 21 }),
  }),
  fc.constant({ batch: 8, inputs: 7744, outputs: 10 }),
);

describe.each(backends)("linear on $name", ({ create }) => {
  it("is a matrix product with bias, and so are its gradients", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(1000), async ({ batch, inputs, outputs }, seed) => {
        const x = randomNumbers(batch * inputs, seed);
        const w = randomNumbers(inputs * outputs, seed + 1);
        const b = randomNumbers(outputs, seed + 2);
        const g = randomNumbers(batch * outputs, seed + 3);
        const linear = backend.linear({ batch, inputs, outputs });
        const input = await fill(backend, [batch, inputs], x);
        const outputGradient = await fill(backend, [batch, outputs], g);
        const [output, inputGradient] = [backend.tensor([batch, outputs]), backend.tensor([batch, inputs])];
        const [weightGradient, biasGradient] = [backend.tensor([inputs, outputs]), backend.tensor([outputs])];
        await linear.prepare(await fill(backend, [inputs, outputs], w), await fill(backend, [outputs], b));
        await linear.forward(input, output);
        await linear.backwardInput(outputGradient, inputGradient);
        await linear.backwardWeight(input, outputGradient, weightGradient, biasGradient);
        const product = multiply(x, w, inputs, outputs).map((value, index) => value + b[index % outputs]!);
        expectClose(await backend.read(output), product, FORWARD);
        expectClose(
          await backend.read(inputGradient),
          multiply(g, transposed(w, outputs, inputs), outputs, inputs),
          GRADIENT,
        );
        expectClose(
          await backend.read(weightGradient),
          multiply(transposed(x, inputs, batch), g, batch, outputs),
          GRADIENT,
        );
        expectClose(
          await backend.read(biasGradient),
          multiply(new Float32Array(batch).fill(1), g, batch, outputs),
          GRADIENT,
        );
      }),
      { numRuns: 30, seed: 1 },
    );
  });
});
