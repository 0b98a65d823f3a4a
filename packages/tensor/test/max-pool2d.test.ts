import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Backend } from "../src/index.js";
import { backends, fill } from "./support/backends.js";
import { fixtureCases, toNhwc } from "./support/fixtures.js";
import { dot, expectClose, FORWARD, randomNumbers } from "./support/numbers.js";

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

interface Windows {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly size: number;
  readonly stride: number;
}

/** The definition, written apart from the implementations: output by output, the window's positions as a list. */
function definition(windows: Windows, values: Float32Array, gradients: Float32Array) {
  const { batch, height, width, channels, size, stride } = windows;
  const rows = Math.floor((height - size) / stride) + 1;
  const columns = Math.floor((width - size) / stride) + 1;
  const output = new Float64Array(batch * rows * columns * channels);
  const inputGradient = new Float64Array(values.length);
  for (let index = 0; index < output.length; index++) {
    const c = index % channels;
    const x = Math.floor(index / channels) % columns;
    const y = Math.floor(index / channels / columns) % rows;
    const n = Math.floor(index / channels / columns / rows);
    const positions = Array.from({ length: size * size }, (_, k) => {
      const row = y * stride + Math.floor(k / size);
      const column = x * stride + (k % size);
      return ((n * height + row) * width + column) * channels + c;
    });
    const largest = positions.reduce((most, position) => Math.max(most, values[position]!), Number.NEGATIVE_INFINITY);
    output[index] = largest;
    inputGradient[positions.find((position) => values[position] === largest)!]! += gradients[index]!;
  }
  return { output, inputGradient };
}

const windowsOfAllKinds: fc.Arbitrary<Windows> = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 9 }),
    channels: fc.integer({ min: 1, max: 9 }),
    size: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 4 }),
  })
  .filter(({ height, width, size }) => Math.min(height, width) >= size);

const randomGradients = (count: number) => randomNumbers(count, 9);

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
    const backend = create();
    const channels = 5;
    const spec = { input: [1, 2, 2, channels], size: 2, stride: 2 };
    const values = randomNumbers(4 * channels, 8);
    for (let at = 0; at < values.length; at++) {
      const { output } = await compute(backend, spec, values.slice().fill(Number.NaN, at, at + 1), randomGradients);
      output.forEach((value, channel) => {
        if (channel === at % channels) expect(value).toBeNaN();
        else expect(value).toBe(Math.max(...[0, 1, 2, 3].map((p) => values[p * channels + channel]!)));
      });
    }
  });

  it("computes the definition for any window, stride and number of channels, ties included", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(windowsOfAllKinds, fc.nat(1000), async (windows, seed) => {
        const { batch, height, width, channels, size, stride } = windows;
        const spec = { input: [batch, height, width, channels], size, stride };
        // Rounded, so that windows hold ties.
        const values = randomNumbers(batch * height * width * channels, seed).map((value) => Math.round(value * 2));
        const gradients = (count: number) => randomNumbers(count, seed + 1);
        const actual = await compute(backend, spec, values, gradients);
        const expected = definition(windows, values, gradients(actual.output.length));
        expectClose(actual.output, expected.output, 0);
        expectClose(actual.inputGradient, expected.inputGradient, FORWARD);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it.each([
    { size: 8, channels: 3 },
    { size: 9, channels: 3 },
    { size: 9, channels: 9 },
    { size: 500, channels: 1 },
  ])(
    "takes windows of $size × $size as well, ties and NaN included ($channels channels)",
    async ({ size, channels }) => {
      const windows = { batch: 2, height: size + 1, width: size + 2, channels, size, stride: 1 };
      const spec = { input: [2, size + 1, size + 2, channels], size, stride: 1 };
      const values = randomNumbers(2 * (size + 1) * (size + 2) * channels, 5).map((value) => Math.round(value * 2));
      const backend = create();
      const actual = await compute(backend, spec, values, randomGradients);
      const expected = definition(windows, values, randomGradients(actual.output.length));
      expectClose(actual.output, expected.output, 0);
      expectClose(actual.inputGradient, expected.inputGradient, FORWARD);
      for (const at of [0, (size + 3) * channels, ((size - 1) * (size + 2) + size - 1) * channels]) {
        const { output } = await compute(backend, spec, values.slice().fill(Number.NaN, at, at + 1), randomGradients);
        expect(output[0]).toBeNaN();
        expect(output.filter((value) => !Number.isNaN(value)).length).toBeGreaterThan(0);
      }
    },
  );

  // What PyTorch's max_pool2d gives; of 0 and −0 either may be the maximum, but the gradient goes to the first.
  it.each([
    { values: [0, -0, 0, 0], gradient: [1, 0, 0, 0] },
    { values: [-0, 0, -0, 0], gradient: [1, 0, 0, 0] },
    { values: [-1, 2, 2, 1], gradient: [0, 1, 0, 0] },
    { values: [-1, -1, 0, -0], gradient: [0, 0, 1, 0] },
    { values: new Array(4).fill(Number.NEGATIVE_INFINITY), gradient: [1, 0, 0, 0] },
    { values: new Array(4).fill(Number.POSITIVE_INFINITY), gradient: [1, 0, 0, 0] },
  ])("gives the gradient of a tie to the first alone in every lane: $values", async ({ values, gradient }) => {
    const channels = 6;
    const spread = (numbers: readonly number[]) =>
      Float32Array.from({ length: 4 * channels }, (_, index) => numbers[Math.floor(index / channels)]!);
    const spec = { input: [1, 2, 2, channels], size: 2, stride: 2 };
    const { output, inputGradient } = await compute(create(), spec, spread(values), (count) =>
      new Float32Array(count).fill(1),
    );
    expect([...output].every((value) => value === Math.max(...values))).toBe(true);
    expect(inputGradient).toEqual(spread(gradient));
  });

  it("has the gradient of finite differences where windows overlap", async () => {
    const windows = { batch: 1, height: 5, width: 6, channels: 2, size: 3, stride: 2 };
    // All apart by 1/8, so that a step of 1/32 leaves every maximum where it is; the order is shuffled by a prime.
    const values = Float32Array.from({ length: 60 }, (_, index) => ((index * 23) % 60) / 8);
    const weights = randomNumbers(2 * 2 * 2, 4);
    const spec = { input: [1, 5, 6, 2], size: 3, stride: 2 };
    const { inputGradient } = await compute(create(), spec, values, () => weights);
    const loss = (moved: Float32Array) => dot(definition(windows, moved, weights).output, weights);
    const slopes = values.map((_, index) => {
      const [above, below] = [values.slice(), values.slice()];
      above[index]! += 1 / 32;
      below[index]! -= 1 / 32;
      return (loss(above) - loss(below)) * 16;
    });
    expectClose(inputGradient, slopes, FORWARD);
  });

  it("gives a picture the same bits whatever the others in the batch are", async () => {
    const spec = { input: [2, 6, 6, 5], size: 2, stride: 2 };
    const values = randomNumbers(2 * 180, 6);
    const gradients = (count: number) => randomNumbers(count, 7);
    const first = await compute(create(), spec, values, gradients);
    const second = await compute(create(), spec, values.slice().fill(9, 0, 180), gradients);
    expect(second.output.slice(45)).toEqual(first.output.slice(45));
    expect(second.inputGradient.slice(180)).toEqual(first.inputGradient.slice(180));
    expect(second.output.slice(0, 45)).not.toEqual(first.output.slice(0, 45));
  });

  it("passes every output's gradient on exactly once where windows do not overlap", async () => {
    const spec = { input: [2, 8, 6, 5], size: 2, stride: 2 };
    const gradients = randomNumbers(2 * 4 * 3 * 5, 4);
    const { inputGradient } = await compute(create(), spec, randomNumbers(2 * 8 * 6 * 5, 3), () => gradients);
    const passed = [...inputGradient].filter((value) => value !== 0).sort();
    expect(passed).toEqual([...gradients].sort());
  });
});
