import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWasmBackend } from "../src/index.js";
import { chooseBlocks, chooseForm, type WinogradShape } from "../src/wasm/winograd/geometry.js";
import {
  filterGradientTransform,
  filterTransform,
  gatherTransform,
  scatterTransform,
  type Term,
  type Transform,
  tileTransform,
  windowTransform,
} from "../src/wasm/winograd/transforms.js";
import { fill } from "./support/backends.js";
import { randomNumbers } from "./support/numbers.js";

/** The one-dimensional transform in float64. */
function apply(transform: Transform, inputs: readonly number[]): number[] {
  const outputs: number[] = [];
  for (const { p = [], q = [], outputs: results } of transform.groups) {
    const sum = (terms: readonly Term[], sums: { readonly p: number; readonly q: number }) =>
      terms.reduce(
        (total, [factor, value]) => total + factor * (typeof value === "number" ? inputs[value]! : sums[value]),
        0,
      );
    const sums = { p: sum(p, { p: 0, q: 0 }), q: sum(q, { p: 0, q: 0 }) };
    for (const { index, terms } of results) outputs[index] = sum(terms, sums);
  }
  return outputs;
}

const numbers = (count: number, seed: number) => [...randomNumbers(count, seed)];
const times = (a: readonly number[], b: readonly number[]) => a.map((value, index) => value * b[index]!);

function expectEqual(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 12);
}

describe("Winograd's transforms", () => {
  const taps = numbers(3, 1);
  const window = numbers(6, 2);
  const tile = numbers(4, 3);
  const indices = (count: number) => Array.from({ length: count }, (_, index) => index);

  it("make four outputs of a correlation from a window", () => {
    const points = times(apply(filterTransform, taps), apply(windowTransform, window));
    const expected = indices(4).map((i) => taps.reduce((sum, tap, k) => sum + tap * window[i + k]!, 0));
    expectEqual(apply(gatherTransform, points), expected);
  });

  it("make the six outputs that a tile has a part in", () => {
    const points = times(apply(filterTransform, taps), apply(tileTransform, tile));
    const expected = indices(6).map((i) => taps.reduce((sum, tap, k) => sum + tap * (tile[i - k] ?? 0), 0));
    expectEqual(apply(scatterTransform, points), expected);
  });

  it("make the gradients of three taps from a tile and a window", () => {
    const points = times(apply(tileTransform, tile), apply(windowTransform, window));
    const expected = indices(3).map((k) => tile.reduce((sum, value, i) => sum + value * window[i + k]!, 0));
    expectEqual(apply(filterGradientTransform, points), expected);
  });
});

const shapeOf = (side: number, padding: number, more: Partial<WinogradShape> = {}): WinogradShape => ({
  batch: 8,
  height: side,
  width: side,
  channels: 32,
  padding,
  outputHeight: side + 2 * padding - 2,
  outputWidth: side + 2 * padding - 2,
  filters: 32,
  ...more,
});

describe("the cut into tiles", () => {
  it("is that of the side that needs fewer", () => {
    expect(chooseForm(shapeOf(20, 2))).toEqual({ form: "scatter", grid: { rows: 5, columns: 5 } });
    expect(chooseForm(shapeOf(22, 0))).toEqual({ form: "gather", grid: { rows: 5, columns: 5 } });
    expect(chooseForm(shapeOf(34, 2))).toEqual({ form: "gather", grid: { rows: 9, columns: 9 } });
    expect(chooseForm(shapeOf(16, 1))).toEqual({ form: "gather", grid: { rows: 4, columns: 4 } });
  });

  it("joins rows of several pictures to whole products", () => {
    const shape = shapeOf(18, 2, { filters: 64 });
    const blocks = chooseBlocks(shape, chooseForm(shape).grid);
    expect((blocks.rows * blocks.columns) % 4).toBe(0);
    expect(blocks.totalRows).toBe(8 * 5);
    expect(blocks.lastRows).toBeGreaterThan(0);
    expect((blocks.totalRows - blocks.lastRows) % blocks.rows).toBe(0);
  });
});

describe("Winograd convolutions", () => {
  /** Both forms, with edges of all kinds. */
  const shapes = fc.record({
    batch: fc.integer({ min: 1, max: 6 }),
    height: fc.integer({ min: 4, max: 21 }),
    width: fc.integer({ min: 4, max: 21 }),
    channels: fc.constantFrom(8, 16, 24),
    filters: fc.constantFrom(8, 16, 24),
    padding: fc.integer({ min: 0, max: 2 }),
  });
  const sized = shapes.filter(({ height, width, padding }) => Math.min(height, width) + 2 * padding >= 6);

  it("give a picture the same bits alone and in any batch", async () => {
    const backend = createWasmBackend();
    await fc.assert(
      fc.asyncProperty(sized, async ({ batch, height, width, channels, filters, padding }) => {
        const make = (count: number) =>
          backend.conv2d({ input: [count, height, width, channels], filters, kernel: 3, padding });
        const together = make(batch);
        const alone = make(1);
        const filter = await fill(backend, together.filterShape, randomNumbers(9 * channels * filters, 1));
        const bias = await fill(backend, [filters], randomNumbers(filters, 2));
        const inputs = randomNumbers(batch * height * width * channels, 3);
        const [, outputHeight, outputWidth] = together.outputShape as [number, number, number, number];
        const gradients = randomNumbers(batch * outputHeight * outputWidth * filters, 4);
        const output = backend.tensor(together.outputShape);
        const inputGradient = backend.tensor([batch, height, width, channels]);
        together.prepare(filter, bias);
        together.forward(await fill(backend, inputGradient.shape, inputs), output);
        together.backwardInput(await fill(backend, together.outputShape, gradients), inputGradient);
        const last = batch - 1;
        const of = (values: Float32Array, n: number) =>
          values.slice((n * values.length) / batch, ((n + 1) * values.length) / batch);
        const lastOutput = backend.tensor(alone.outputShape);
        const lastGradient = backend.tensor([1, height, width, channels]);
        alone.prepare(filter, bias);
        alone.forward(await fill(backend, lastGradient.shape, of(inputs, last)), lastOutput);
        alone.backwardInput(await fill(backend, alone.outputShape, of(gradients, last)), lastGradient);
        expect(lastOutput.data).toEqual(of(output.data, last));
        expect(lastGradient.data).toEqual(of(inputGradient.data, last));
      }),
      { numRuns: 25, seed: 3 },
    );
  });
});
