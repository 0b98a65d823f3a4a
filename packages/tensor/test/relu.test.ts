import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends, fill } from "./support/backends.js";
import { expectClose, FORWARD, randomNumbers } from "./support/numbers.js";

describe.each(backends)("relu on $name", ({ create }) => {
  it.each([1, 3, 4, 33, 1000])("is max(0, x), in place too, for %i values", async (size) => {
    const backend = create();
    const values = randomNumbers(size, size);
    const relu = backend.relu({ shape: [size] });
    const input = await fill(backend, [size], values);
    const output = backend.tensor([size]);
    await relu.forward(input, output);
    const expected = values.map((value) => Math.max(0, value));
    expect(await backend.read(output)).toEqual(expected);
    await relu.forward(input, input);
    expect(await backend.read(input)).toEqual(expected);
  });

  it("passes gradients where the output is above 0 and nowhere else, in place too", async () => {
    const backend = create();
    const output = await fill(backend, [5], [0, 2, 0, 1e-30, 3]);
    const gradient = await fill(backend, [5], [1, -2, 3, 4, -5]);
    const target = backend.tensor([5]);
    const relu = backend.relu({ shape: [5] });
    await relu.backward(output, gradient, target);
    expect([...(await backend.read(target))]).toEqual([0, -2, 0, 4, -5]);
    await relu.backward(output, gradient, gradient);
    expect([...(await backend.read(gradient))]).toEqual([0, -2, 0, 4, -5]);
  });

  it("agrees with finite differences, for any number of values", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(1000), async (size, seed) => {
        // Away from the corner at 0, so that a step of 1/16 stays on one side of it.
        const values = randomNumbers(size, seed).map((value) => value + Math.sign(value) / 8);
        const weights = randomNumbers(size, seed + 1);
        const relu = backend.relu({ shape: [size] });
        const output = backend.tensor([size]);
        const inputGradient = await fill(backend, [size], new Float32Array(size).fill(7));
        await relu.forward(await fill(backend, [size], values), output);
        await relu.backward(output, await fill(backend, [size], weights), inputGradient);
        const slopes = Array.from(values, (value, index) => {
          const difference = Math.max(0, value + 1 / 16) - Math.max(0, value - 1 / 16);
          return weights[index]! * difference * 8;
        });
        expectClose(await backend.read(inputGradient), slopes, FORWARD);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("keeps NaN, so that it can be found", async () => {
    const backend = create();
    const values = await fill(backend, [2], [Number.NaN, -1]);
    await backend.relu({ shape: [2] }).forward(values, values);
    expect([...(await backend.read(values))]).toEqual([Number.NaN, 0]);
  });
});
