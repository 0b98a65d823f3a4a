import { describe, expect, it } from "vitest";
import { createReferenceBackend } from "../src/index.js";
import { backends, fill } from "./support/backends.js";
import { fixtureCases } from "./support/fixtures.js";
import { expectClose, randomNumbers } from "./support/numbers.js";

/** Sums of a few float32 operations. */
const ROUNDING = 1e-6;

describe.each(backends)("sgd on $name", ({ create }) => {
  it.each([
    { momentum: 0, nesterov: false, weightDecay: 0 },
    { momentum: 0.9, nesterov: false, weightDecay: 0.01 },
    { momentum: 0.9, nesterov: true, weightDecay: 0.01 },
  ])("makes PyTorch's steps with $momentum, nesterov $nesterov", async ({ momentum, nesterov, weightDecay }) => {
    const backend = create();
    const size = 37;
    const expected = Float64Array.from(randomNumbers(size, 1));
    const buffer = new Float64Array(size);
    const parameter = await fill(backend, [size], expected);
    const velocity = backend.tensor([size]);
    const sgd = backend.sgd({ shape: [size], momentum, nesterov });
    for (let step = 0; step < 4; step++) {
      const gradient = randomNumbers(size, step + 2);
      const options = { learningRate: 0.1 / (step + 1), weightDecay, gradientScale: 0.5 };
      await sgd.step(parameter, await fill(backend, [size], gradient), velocity, options);
      for (let i = 0; i < size; i++) {
        const slope = gradient[i]! * 0.5 + weightDecay * expected[i]!;
        buffer[i] = momentum * buffer[i]! + slope;
        expected[i]! -= options.learningRate * (nesterov ? slope + momentum * buffer[i]! : buffer[i]!);
      }
    }
    expectClose(await backend.read(parameter), expected, ROUNDING);
    expectClose(await backend.read(velocity), buffer, ROUNDING);
  });
});

describe.each(backends)("muon on $name", ({ create }) => {
  it.each(fixtureCases("muon").map((tensors, index) => ({ tensors, index })))(
    "makes the steps of its published definition in PyTorch, case $index",
    async ({ tensors }) => {
      const backend = create();
      const { shape, data } = tensors.get("parameter")!;
      const parameter = await fill(backend, shape, data);
      const velocity = backend.tensor(shape);
      const muon = backend.muon({ shape, momentum: 0.9 });
      for (let step = 0; step < 3; step++) {
        const gradient = await fill(backend, shape, tensors.get(`gradient.${step}`)!.data);
        await muon.step(parameter, gradient, velocity, { learningRate: 0.1, weightDecay: 0.05, gradientScale: 1 });
      }
      // Five iterations of a polynomial of degree five amplify rounding.
      expectClose(await backend.read(parameter), tensors.get("result")!.data, 1e-5);
    },
  );

  it("takes filters as one matrix: rows are taps and channels, columns are filters", async () => {
    const backend = create();
    const step = { learningRate: 0.1, weightDecay: 0, gradientScale: 1 };
    const results: Float32Array[] = [];
    for (const shape of [
      [3, 3, 4, 8],
      [36, 8],
    ]) {
      const parameter = await fill(backend, shape, randomNumbers(288, 1));
      const gradient = await fill(backend, shape, randomNumbers(288, 2));
      await backend.muon({ shape }).step(parameter, gradient, backend.tensor(shape), step);
      results.push(await backend.read(parameter));
    }
    expect(results[0]).toEqual(results[1]);
  });
});

describe.each(backends)("sum on $name", ({ create }) => {
  it.each([1, 2, 3, 5, 8, 13])("adds %i tensors in the reference's order, to the last bit", async (count) => {
    const size = 41;
    const all = await Promise.all(
      [create(), createReferenceBackend()].map(async (backend) => {
        const output = backend.tensor([size]);
        const inputs = [];
        for (let k = 0; k < count; k++) inputs.push(await fill(backend, [size], randomNumbers(size, k)));
        await backend.sum({ shape: [size], count }).forward(inputs, output);
        return backend.read(output);
      }),
    );
    expect(all[0]).toEqual(all[1]);
  });

  it("adds neighbours first", async () => {
    const backend = create();
    const output = backend.tensor([1]);
    const inputs = [];
    // (1e8 + 1) + (−1e8 + 1) loses both ones in float32; from left to right one would be kept.
    for (const value of [1e8, 1, -1e8, 1]) inputs.push(await fill(backend, [1], [value]));
    await backend.sum({ shape: [1], count: 4 }).forward(inputs, output);
    expect((await backend.read(output))[0]).toBe(0);
  });
});
