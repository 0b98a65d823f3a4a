import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batches } from "../src/batches.js";
import type { Dataset } from "../src/dataset.js";
import type { AugmentOptions } from "../src/fit-options.js";
import { PictureWriter } from "../src/pictures.js";

const IDENTITY = { mean: [0], deviation: [1 / 255] };

/** Pictures of one row whose values say which picture and column they are: 10 · picture + column. */
function numbered(count: number, width = 5): Dataset {
  const images = Uint8Array.from({ length: count * width }, (_, i) => 10 * Math.floor(i / width) + (i % width));
  const labels = Uint8Array.from({ length: count }, (_, n) => n);
  const classes = Array.from({ length: count }, (_, n) => `${n}`);
  return { name: "numbered", images, labels, shape: [1, width, 1], classes, count };
}

function batches(
  dataset: Dataset,
  plan: { batchSize: number; seed?: number; augment?: AugmentOptions },
  slots = plan.batchSize,
) {
  const { batchSize, seed = 0, augment } = plan;
  const width = dataset.shape[1];
  const target = { images: new Float32Array(slots * width), labels: new Int32Array(slots) };
  const made = new Batches(
    dataset,
    { batchSize, seed, augment: { flip: "none", shift: 0, ...augment }, normalisation: IDENTITY },
    target,
  );
  const row = (slot: number) => [...target.images.subarray(slot * width, (slot + 1) * width)].map(Math.round);
  return { made, target, row };
}

describe("PictureWriter", () => {
  it("normalises by (v / 255 − mean) / deviation, channel by channel, whatever their number", () => {
    const picture = fc.integer({ min: 1, max: 4 }).chain((channels) =>
      fc.record({
        bytes: fc.uint8Array({ minLength: 2 * 3 * channels, maxLength: 2 * 3 * channels }),
        mean: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: channels, maxLength: channels }),
        deviation: fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: channels, maxLength: channels }),
      }),
    );
    fc.assert(
      fc.property(picture, ({ bytes, mean, deviation }) => {
        const channels = mean.length;
        const target = new Float32Array(2 * bytes.length);
        const placement = { picture: 0, slot: 1, mirrored: false, down: 0, right: 0 };
        new PictureWriter([2, 3, channels], { mean, deviation }).write(bytes, target, placement);
        for (const [i, byte] of bytes.entries()) {
          const channel = i % channels;
          expect(target[bytes.length + i]).toBeCloseTo((byte / 255 - mean[channel]!) / deviation[channel]!, 4);
          expect(target[i]).toBe(0);
        }
      }),
    );
  });

  it.each([
    [{ mirrored: true }, [4, 3, 2, 1, 0]],
    [{ right: 1 }, [1, 0, 1, 2, 3]],
    [{ right: -2 }, [2, 3, 4, 3, 2]],
    [{ right: 1, mirrored: true }, [3, 4, 3, 2, 1]],
    [{ right: 7 }, [1, 2, 3, 4, 3]],
    [{ down: 3 }, [0, 1, 2, 3, 4]],
  ])("writes 0 1 2 3 4 with %o as %o", (change, expected) => {
    const target = new Float32Array(5);
    const placement = { picture: 0, slot: 0, mirrored: false, down: 0, right: 0, ...change };
    new PictureWriter([1, 5, 1], IDENTITY).write(Uint8Array.of(0, 1, 2, 3, 4), target, placement);
    expect([...target].map(Math.round)).toEqual(expected);
  });

  it("moves rows as it moves columns", () => {
    const target = new Float32Array(4);
    const placement = { picture: 1, slot: 0, mirrored: false, down: -1, right: 0 };
    const bytes = Uint8Array.of(0, 0, 0, 0, 10, 11, 12, 13);
    new PictureWriter([4, 1, 1], IDENTITY).write(bytes, target, placement);
    expect([...target].map(Math.round)).toEqual([11, 12, 13, 12]);
  });
});

describe("Batches", () => {
  it("shows every picture once an epoch with its own label, in another order each time", () => {
    const { made, target, row } = batches(numbered(20), { batchSize: 6 });
    expect(made.stepsPerEpoch).toBe(4);
    const orders: number[][] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      const seen: number[] = [];
      for (let step = 0; step < 4; step++) {
        const pictures = made.fill(4 * epoch + step);
        expect(pictures).toBe(step === 3 ? 2 : 6);
        for (let slot = 0; slot < pictures; slot++) {
          const label = target.labels[slot]!;
          expect(row(slot)[0]).toBe(10 * label);
          seen.push(label);
        }
      }
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
      orders.push(seen);
    }
    expect(orders[0]).not.toEqual(orders[1]);
  });

  it("marks the places that stay empty: label −1, zeros", () => {
    const { made, target, row } = batches(numbered(5), { batchSize: 4 }, 6);
    made.fill(0);
    expect([...target.labels.subarray(4)]).toEqual([-1, -1]);
    made.fill(1);
    expect([...target.labels.subarray(1)]).toEqual([-1, -1, -1, -1, -1]);
    expect(row(1)).toEqual([0, 0, 0, 0, 0]);
  });

  it("shows at a step the same, wherever the run began", () => {
    const plan = { batchSize: 4, seed: 3, augment: { flip: "random", shift: 2 } as const };
    const going = batches(numbered(10), plan);
    for (let step = 0; step < 8; step++) {
      going.made.fill(step);
      const fresh = batches(numbered(10), plan);
      fresh.made.fill(step);
      expect(fresh.target).toEqual(going.target);
    }
  });

  it("mirrors half of the pictures by chance", () => {
    const { made, row } = batches(numbered(20), { batchSize: 20, augment: { flip: "random" } });
    let mirrored = 0;
    for (let step = 0; step < 50; step++) {
      made.fill(step);
      for (let slot = 0; slot < 20; slot++) if (row(slot)[0]! % 10 === 4) mirrored++;
    }
    // 1,000 draws: 500 ± 16, five deviations allowed.
    expect(Math.abs(mirrored - 500)).toBeLessThan(80);
  });

  it("shows each picture's other side in the next epoch when flips alternate", () => {
    const { made, target, row } = batches(numbered(20), { batchSize: 20, augment: { flip: "alternating" } });
    const sides = [0, 1, 2].map((epoch) => {
      made.fill(epoch);
      const side = new Map<number, boolean>();
      for (const [slot, label] of target.labels.entries()) side.set(label, row(slot)[0]! % 10 === 4);
      return side;
    });
    const first = [...sides[0]!.values()];
    expect(first).toContain(true);
    expect(first).toContain(false);
    for (const [picture, side] of sides[0]!) {
      expect(sides[1]!.get(picture)).toBe(!side);
      expect(sides[2]!.get(picture)).toBe(side);
    }
  });

  it("moves pictures by every distance up to the one asked for, and by none beyond", () => {
    // A single bright pixel in the middle of 5 × 5 shows where it went.
    const images = new Uint8Array(25);
    images[12] = 255;
    const dataset: Dataset = { ...numbered(1), images, shape: [5, 5, 1] };
    const target = { images: new Float32Array(25), labels: new Int32Array(1) };
    const augment = { flip: "none", shift: 1 } as const;
    const made = new Batches(dataset, { batchSize: 1, seed: 0, augment, normalisation: IDENTITY }, target);
    const places = new Set<number>();
    for (let step = 0; step < 200; step++) {
      made.fill(step);
      places.add(target.images.indexOf(255));
    }
    expect([...places].sort((a, b) => a - b)).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18]);
  });
});
