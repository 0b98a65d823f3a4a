import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backend, createReferenceBackend } from "../src/index.js";
import { backends, fill } from "./support/backends.js";
import { fixtureCases, toNhwc } from "./support/fixtures.js";
import { expectClose, FORWARD, randomNumbers } from "./support/numbers.js";

async function compute(
  backend: Backend,
  spec: { input: readonly number[]; size: number; stride: number },
  values: Float32Array,
  gradients: (size: number) => Float32Array,
) {
  const pool = backend.maxPool2d(spec);
  const input = await fill(backend, spec.input, values);
  const output = backend.tensor(pool.outputShape);
  const outputGradient = await fill(backend, pool.outputShape, gradients(output.size));
  const inputGradient = await fill(backend, spec.input, new Float32Array(values.length).fill(7));
  await pool.forward(input, output);
  await pool.backward(input, output, outputGradient, inputGradient);
  return { output: await backend.read(output), inputGradient: await backend.read(inputGradient) };
}

describe.each(backends)("maxPool2d on $name", ({ create }) => {
  it.each(fixtureCases("max-pool2d").map((tensors, index) => ({ tensors, index })))(
    "agrees with PyTorch, ties included, case $index",
    async ({ tensors }) => {
      const [size, stride] = tensors.get("size_stride")!.data as Int32Array;
      const input = toNhwc(tensors.get("input")!);
      const spec = { input: input.shape, size: size!, stride: stride! };
      const result = await compute(create(), spec, input.data, () => toNhwc(tensors.get("output_gradient")!).data);
      // 0 and −0 are the same maximum.
      expectClose(result.output, toNhwc(tensors.get("output")!).data, 0);
      expectClose(result.inputGradient, toNhwc(tensors.get("input_gradient")!).data, FORWARD);
    },
  );

  it("gives the gradient of a tie to the first position, row by row", async () => {
    const result = await compute(
      create(),
      { input: [1, 2, 2, 1], size: 2, stride: 2 },
      Float32Array.of(1, 3, 3, 3),
      () => Float32Array.of(5),
    );
    expect([...result.inputGradient]).toEqual([0, 5, 0, 0]);
  });

  it("lets NaN win over every number", async () => {
    const spec = { input: [1, 2, 2, 1], size: 2, stride: 2 };
    const { output } = await compute(create(), spec, Float32Array.of(1, Number.NaN, 3, 2), () => Float32Array.of(1));
    expect(output[0]).toBeNaN();
  });

  it("agrees with the reference for any window, stride and number of channels", async () => {
    const backend = create();
    const reference = createReferenceBackend();
    const windows = fc
      .record({
        batch: fc.integer({ min: 1, max: 2 }),
        height: fc.integer({ min: 1, max: 9 }),
        width: fc.integer({ min: 1, max: 9 }),
        channels: fc.integer({ min: 1, max: 9 }),
        size: fc.integer({ min: 1, max: 4 }),
        stride: fc.integer({ min: 1, max: 4 }),
      })
      .filter(({ height, width, size }) => Math.min(height, width) >= size);
    await fc.assert(
      fc.asyncProperty(windows, fc.nat(1000), async ({ batch, height, width, channels, size, stride }, seed) => {
        const spec = { input: [batch, height, width, channels], size, stride };
        // Rounded, so that windows hold ties.
        const values = randomNumbers(batch * height * width * channels, seed).map((value) => Math.round(value * 2));
        const gradients = (count: number) => randomNumbers(count, seed + 1);
        const expected = await compute(reference, spec, values, gradients);
        const actual = await compute(backend, spec, values, gradients);
        expectClose(actual.output, expected.output, 0);
        expectClose(actual.inputGradient, expected.inputGradient, FORWARD);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("passes every output's gradient on exactly once where windows do not overlap", async () => {
    const spec = { input: [2, 8, 6, 5], size: 2, stride: 2 };
    const gradients = randomNumbers(2 * 4 * 3 * 5, 4);
    const { inputGradient } = await compute(create(), spec, randomNumbers(2 * 8 * 6 * 5, 3), () => gradients);
    const passed = [...inputGradient].filter((value) => value !== 0).sort();
    expect(passed).toEqual([...gradients].sort());
  });
});
