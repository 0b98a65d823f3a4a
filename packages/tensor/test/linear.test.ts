import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backend, sizeOf } from "../src/index.js";
import { backends, fill } from "./support/backends.js";
import { fixtureCases, toInOut } from "./support/fixtures.js";
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

interface Sizes {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
}

type Numbers = Readonly<Record<"x" | "w" | "b" | "g", Float32Array>>;

const numbersFor = ({ batch, inputs, outputs }: Sizes, seed: number): Numbers => ({
  x: randomNumbers(batch * inputs, seed),
  w: randomNumbers(inputs * outputs, seed + 1),
  b: randomNumbers(outputs, seed + 2),
  g: randomNumbers(batch * outputs, seed + 3),
});

/** Everything that an implementation computes for these numbers; targets hold 7 before, as all of them must be written. */
async function compute(backend: Backend, spec: Sizes, { x, w, b, g }: Numbers, pictureShape = [spec.inputs]) {
  const { batch, inputs, outputs } = spec;
  const linear = backend.linear(spec);
  const target = (shape: number[]) => fill(backend, shape, new Float32Array(sizeOf(shape)).fill(7));
  const input = await fill(backend, [batch, ...pictureShape], x);
  const outputGradient = await fill(backend, [batch, outputs], g);
  const output = await target([batch, outputs]);
  const inputGradient = await target([batch, ...pictureShape]);
  const weightGradient = await target([inputs, outputs]);
  const biasGradient = await target([outputs]);
  await linear.prepare(await fill(backend, [inputs, outputs], w), await fill(backend, [outputs], b));
  await linear.forward(input, output);
  await linear.backwardInput(outputGradient, inputGradient);
  await linear.backwardWeight(input, outputGradient, weightGradient, biasGradient);
  return {
    output: await backend.read(output),
    inputGradient: await backend.read(inputGradient),
    weightGradient: await backend.read(weightGradient),
    biasGradient: await backend.read(biasGradient),
  };
}

describe.each(backends)("linear on $name", ({ create }) => {
  it.each(fixtureCases("linear").map((tensors, index) => ({ tensors, index })))(
    "agrees with PyTorch, case $index",
    async ({ tensors }) => {
      const values = (name: string) => tensors.get(name)!.data as Float32Array;
      const [batch, inputs] = tensors.get("input")!.shape as [number, number];
      const [outputs] = tensors.get("bias")!.shape as [number];
      const result = await compute(
        create(),
        { batch, inputs, outputs },
        {
          x: values("input"),
          w: toInOut(tensors.get("weight")!).data,
          b: values("bias"),
          g: values("output_gradient"),
        },
      );
      expectClose(result.output, values("output"), FORWARD);
      expectClose(result.inputGradient, values("input_gradient"), GRADIENT);
      expectClose(result.weightGradient, toInOut(tensors.get("weight_gradient")!).data, GRADIENT);
      expectClose(result.biasGradient, values("bias_gradient"), GRADIENT);
    },
  );

  it("is a matrix product with bias, and so are its gradients", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(1000), async (spec, seed) => {
        const { batch, inputs, outputs } = spec;
        const numbers = numbersFor(spec, seed);
        const { x, w, b, g } = numbers;
        const result = await compute(backend, spec, numbers);
        const product = multiply(x, w, inputs, outputs).map((value, index) => value + b[index % outputs]!);
        expectClose(result.output, product, FORWARD);
        expectClose(result.inputGradient, multiply(g, transposed(w, outputs, inputs), outputs, inputs), GRADIENT);
        expectClose(result.weightGradient, multiply(transposed(x, inputs, batch), g, batch, outputs), GRADIENT);
        expectClose(result.biasGradient, multiply(new Float32Array(batch).fill(1), g, batch, outputs), GRADIENT);
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it("has the gradients of finite differences", async () => {
    const spec = { batch: 3, inputs: 6, outputs: 5 };
    const numbers = numbersFor(spec, 7);
    const result = await compute(create(), spec, numbers);
    const loss = ({ x, w, b, g }: Numbers) =>
      multiply(x, w, 6, 5).reduce((sum, value, index) => sum + (value + b[index % 5]!) * g[index]!, 0);
    for (const [operand, gradient] of [
      ["x", result.inputGradient],
      ["w", result.weightGradient],
      ["b", result.biasGradient],
    ] as const) {
      // Linear in each operand, so that a difference of any width is exact.
      const slopes = numbers[operand].map((_, index) => {
        const [above, below] = [numbers[operand].slice(), numbers[operand].slice()];
        above[index]! += 0.5;
        below[index]! -= 0.5;
        return loss({ ...numbers, [operand]: above }) - loss({ ...numbers, [operand]: below });
      });
      expectClose(gradient, slopes, GRADIENT);
    }
  });

  it("takes up weights as often as they change", async () => {
    const backend = create();
    const linear = backend.linear({ batch: 2, inputs: 3, outputs: 5 });
    const [first, second] = [1, 2].map((seed) => numbersFor({ batch: 2, inputs: 3, outputs: 5 }, 10 * seed));
    const input = await fill(backend, [2, 3], first!.x);
    const output = backend.tensor([2, 5]);
    for (const { w, b } of [first!, second!, first!]) {
      await linear.prepare(await fill(backend, [3, 5], w), await fill(backend, [5], b));
      await linear.forward(input, output);
      const product = multiply(first!.x, w, 3, 5).map((value, index) => value + b[index % 5]!);
      expectClose(await backend.read(output), product, FORWARD);
    }
  });

  it.each([
    { input: true, weight: false },
    { input: false, weight: true },
    { input: false, weight: false },
  ])("computes the same bits when only some gradients will be asked for: $input, $weight", async (gradients) => {
    const backend = create();
    const spec = { batch: 3, inputs: 20, outputs: 6 };
    const numbers = numbersFor(spec, 8);
    const all = await compute(backend, spec, numbers);
    const linear = backend.linear({ ...spec, gradients });
    const input = await fill(backend, [3, 20], numbers.x);
    const outputGradient = await fill(backend, [3, 6], numbers.g);
    const [output, inputGradient] = [backend.tensor([3, 6]), backend.tensor([3, 20])];
    const [weightGradient, biasGradient] = [backend.tensor([20, 6]), backend.tensor([6])];
    await linear.prepare(await fill(backend, [20, 6], numbers.w), await fill(backend, [6], numbers.b));
    await linear.forward(input, output);
    expect(await backend.read(output)).toEqual(all.output);
    if (gradients.input) {
      await linear.backwardInput(outputGradient, inputGradient);
      expect(await backend.read(inputGradient)).toEqual(all.inputGradient);
    }
    if (gradients.weight) {
      await linear.backwardWeight(input, outputGradient, weightGradient, biasGradient);
      expect(await backend.read(weightGradient)).toEqual(all.weightGradient);
      expect(await backend.read(biasGradient)).toEqual(all.biasGradient);
    }
  });

  it("takes pictures of any shape as they lie", async () => {
    const spec = { batch: 2, inputs: 24, outputs: 10 };
    const numbers = numbersFor(spec, 3);
    expect(await compute(create(), spec, numbers, [2, 3, 4])).toEqual(await compute(create(), spec, numbers));
  });

  it("gives a picture the same bits whatever the others in the batch are", async () => {
    const spec = { batch: 8, inputs: 50, outputs: 10 };
    const numbers = numbersFor(spec, 5);
    const others = { ...numbers, x: numbers.x.slice().fill(9, 0, 7 * 50), g: numbers.g.slice().fill(9, 0, 7 * 10) };
    const first = await compute(create(), spec, numbers);
    const second = await compute(create(), spec, others);
    expect(second.output.slice(7 * 10)).toEqual(first.output.slice(7 * 10));
    expect(second.inputGradient.slice(7 * 50)).toEqual(first.inputGradient.slice(7 * 50));
    expect(second.output.slice(0, 7 * 10)).not.toEqual(first.output.slice(0, 7 * 10));
  });
});
