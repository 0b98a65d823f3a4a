import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends, fill } from "./support/backends.js";
import { fixtureCases } from "./support/fixtures.js";
import { expectClose, randomNumbers } from "./support/numbers.js";

/** Sums of a few float32 operations. */
const ROUNDING = 1e-6;

/** Halves at the largest power of two below the count: the tree of neighbours, seen from its root. */
function treeSum(values: readonly number[]): number {
  if (values.length === 1) return values[0]!;
  const left = 2 ** Math.ceil(Math.log2(values.length) - 1);
  return Math.fround(treeSum(values.slice(0, left)) + treeSum(values.slice(left)));
}

describe.each(backends)("sgd on $name", ({ create }) => {
  it.each(fixtureCases("sgd").map((tensors, index) => ({ tensors, index })))(
    "makes the steps of torch.optim.SGD, case $index",
    async ({ tensors }) => {
      const backend = create();
      const { shape, data } = tensors.get("parameter")!;
      const [momentum, nesterov, weightDecay] = tensors.get("momentum_nesterov_decay")!.data;
      const parameter = await fill(backend, shape, data);
      const velocity = backend.tensor(shape);
      const sgd = backend.sgd({ shape, momentum: momentum!, nesterov: nesterov === 1 });
      for (const [step, learningRate] of tensors.get("rates")!.data.entries()) {
        const gradient = await fill(backend, shape, tensors.get(`gradient.${step}`)!.data);
        await sgd.step(parameter, gradient, velocity, { learningRate, weightDecay: weightDecay!, gradientScale: 1 });
      }
      expectClose(await backend.read(parameter), tensors.get("result")!.data, ROUNDING);
    },
  );

  it("follows its formula step by step, for any number of parameters and any settings", async () => {
    const backend = create();
    const settings = fc.record({
      size: fc.integer({ min: 1, max: 70 }),
      momentum: fc.constantFrom(0.5, 0.9),
      nesterov: fc.boolean(),
      weightDecay: fc.constantFrom(0, 0.01),
      gradientScale: fc.constantFrom(1, 0.5),
    });
    await fc.assert(
      fc.asyncProperty(settings, fc.nat(1000), async (setting, seed) => {
        const { size, momentum, nesterov, weightDecay, gradientScale } = setting;
        const expected = Float64Array.from(randomNumbers(size, seed));
        const buffer = new Float64Array(size);
        const parameter = await fill(backend, [size], expected);
        const velocity = backend.tensor([size]);
        const sgd = backend.sgd({ shape: [size], momentum, nesterov });
        // Rounding is relative to what was met on the way: steps of opposite sign may leave less than they consist of.
        let largest = 0;
        for (let step = 0; step < 4; step++) {
          const gradient = randomNumbers(size, seed + step + 1);
          const options = { learningRate: 0.1 / (step + 1), weightDecay, gradientScale };
          await sgd.step(parameter, await fill(backend, [size], gradient), velocity, options);
          for (let i = 0; i < size; i++) {
            const slope = gradient[i]! * gradientScale + weightDecay * expected[i]!;
            buffer[i] = momentum * buffer[i]! + slope;
            expected[i]! -= options.learningRate * (nesterov ? slope + momentum * buffer[i]! : buffer[i]!);
            largest = Math.max(largest, Math.abs(slope), Math.abs(buffer[i]!), Math.abs(expected[i]!));
          }
        }
        const [parameters, velocities] = [await backend.read(parameter), await backend.read(velocity)];
        for (let i = 0; i < size; i++) {
          expect(Math.abs(parameters[i]! - expected[i]!)).toBeLessThan(ROUNDING * largest);
          expect(Math.abs(velocities[i]! - buffer[i]!)).toBeLessThan(ROUNDING * largest);
        }
      }),
      { numRuns: 40, seed: 1 },
    );
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
  // Engines allow a function 1,000 parameters: many tensors are added in blocks of 512.
  it.each([1, 2, 3, 5, 8, 13, 511, 512, 513, 1500])(
    "adds %i tensors in the order of its tree, to the last bit",
    async (count) => {
      const size = 41;
      const backend = create();
      const values = Array.from({ length: count }, (_, k) => randomNumbers(size, k));
      const inputs = await Promise.all(values.map((numbers) => fill(backend, [size], numbers)));
      const output = backend.tensor([size]);
      await backend.sum({ shape: [size], count }).forward(inputs, output);
      const expected = Float32Array.from({ length: size }, (_, i) => treeSum(values.map((numbers) => numbers[i]!)));
      expect(await backend.read(output)).toEqual(expected);
    },
  );

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
