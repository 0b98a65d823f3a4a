import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Backend, RandomKey } from "../src/index.js";
import { philox4x32, seedKey } from "../src/index.js";
import { backends, fill } from "./support/backends.js";
import { randomNumbers } from "./support/numbers.js";

const KEY: RandomKey = { seed: 2 ** 40 + 3, stream: 7, step: 11, picture: 2 };

async function compute(backend: Backend, shape: readonly number[], rate: number, key = KEY) {
  const size = shape.reduce((a, b) => a * b);
  const dropout = backend.dropout({ shape, rate });
  const input = await fill(backend, shape, randomNumbers(size, 1));
  const output = backend.tensor(shape);
  const mask = backend.tensor(dropout.maskShape, "uint32");
  await dropout.forward(input, output, mask, key);
  return { dropout, input, output, mask, size };
}

/** Whether value e of a picture stays, from the rule in random.ts, a value at a time. */
function stays(key: RandomKey, picture: number, e: number, rate: number): boolean {
  const r = e % 32;
  const words = new Uint32Array(4);
  const counter = Uint32Array.of(4 * Math.floor(e / 32) + (r % 4), picture, key.step, key.stream);
  philox4x32(counter, seedKey(key.seed), words);
  const k = Math.floor(r / 4);
  return ((words[k >> 1]! >>> (16 * (k % 2))) & 0xffff) >= Math.round(rate * 65_536);
}

describe.each(backends)("dropout on $name", ({ create }) => {
  it("keeps the values that the generator decides on, scaled, and marks them and no others in the mask", async () => {
    const backend = create();
    const shapes = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
    );
    await fc.assert(
      fc.asyncProperty(shapes, fc.constantFrom(0.1, 0.3, 0.5, 0.9), async (shape, rate) => {
        const { input, output, mask, size } = await compute(backend, shape, rate);
        const values = await backend.read(input);
        const perPicture = size / shape[0];
        const kept = values.map((_, index) =>
          Number(stays(KEY, KEY.picture + Math.floor(index / perPicture), index % perPicture, rate)),
        );
        const expected = values.map((value, index) => (kept[index] === 1 ? value * Math.fround(1 / (1 - rate)) : 0));
        expect(await backend.read(output)).toEqual(expected);
        // Each picture starts a new word; what is left of its last word stays 0.
        const words = Math.ceil(perPicture / 32);
        const bits = new Uint32Array(shape[0] * words);
        kept.forEach((bit, index) => {
          const e = index % perPicture;
          bits[Math.floor(index / perPicture) * words + (e >> 5)]! |= bit << (e & 31);
        });
        expect(mask.shape).toEqual([shape[0], words]);
        expect([...mask.data]).toEqual([...bits]);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("drops about the share that it is asked to", async () => {
    const backend = create();
    const { output, size } = await compute(backend, [4, 10_000], 0.25);
    const dropped = (await backend.read(output)).filter((value) => value === 0).length;
    // Five standard deviations of a binomial distribution.
    expect(Math.abs(dropped / size - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / size));
  });

  it("applies the same mask to the gradient, in place too", async () => {
    const backend = create();
    const { dropout, output, mask, size } = await compute(backend, [2, 50], 0.5);
    const gradient = await fill(backend, [2, 50], new Float32Array(size).fill(1));
    await dropout.backward(gradient, mask, gradient);
    const kept = (await backend.read(output)).map((value) => (value === 0 ? 0 : 2));
    expect(await backend.read(gradient)).toEqual(kept);
  });

  it("draws a picture's mask from its position in the batch, however the batch is cut", async () => {
    const backend = create();
    const whole = await compute(backend, [4, 40], 0.5);
    const part = await compute(backend, [1, 40], 0.5, { ...KEY, picture: KEY.picture + 3 });
    const words = [...whole.mask.data];
    expect([...part.mask.data]).toEqual(words.slice(-2));
  });

  it("draws anew for another step, stream or seed", async () => {
    const backend = create();
    const words = async (key: RandomKey) => [...(await compute(backend, [1, 320], 0.5, key)).mask.data];
    const first = await words(KEY);
    expect(await words({ ...KEY })).toEqual(first);
    expect(await words({ ...KEY, step: 12 })).not.toEqual(first);
    expect(await words({ ...KEY, stream: 8 })).not.toEqual(first);
    expect(await words({ ...KEY, seed: 4 })).not.toEqual(first);
  });

  it("writes over its own input if asked to", async () => {
    const backend = create();
    const { dropout, input, output, mask } = await compute(backend, [3, 45], 0.4);
    await dropout.forward(input, input, mask, KEY);
    expect(await backend.read(input)).toEqual(await backend.read(output));
  });

  it("keeps some values at every rate below 1", async () => {
    const { mask } = await compute(create(), [1, 300_000], 0.999_999);
    const kept = [...mask.data].reduce((sum, word) => sum + word.toString(2).replaceAll("0", "").length, 0);
    // One in 65,536 is as few as 16 bits can tell.
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(20);
  });

  it("changes nothing at a rate of 0", async () => {
    const backend = create();
    const { input, output } = await compute(backend, [2, 37], 0);
    expect(await backend.read(output)).toEqual(await backend.read(input));
  });
});
