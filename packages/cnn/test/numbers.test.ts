import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eigenSymmetric } from "../src/eigen.js";
import { fromHalf, toHalf } from "../src/half.js";
import { learningRateAt, type Schedule } from "../src/schedule.js";
import { Sha256 } from "../src/sha256.js";

describe("half precision", () => {
  it("gives back the bits of all 65,536 halves, NaN apart", () => {
    for (let half = 0; half < 65_536; half++) {
      const value = fromHalf(half);
      if (Number.isNaN(value)) expect(toHalf(value) & 0x7c00).toBe(0x7c00);
      else if (toHalf(value) !== half) expect.fail(`half ${half} became ${toHalf(value)}`);
    }
  });

  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [1 / 3, 0x3555],
    [65_504, 0x7bff], // the largest
    [65_519.99, 0x7bff],
    [65_520, 0x7c00], // the first that rounds to infinity
    [1e9, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -14, 0x0400], // the smallest normal
    [2 ** -24, 0x0001], // the smallest of all
    [2 ** -25, 0x0000], // a tie, to even
    [1.0001 * 2 ** -25, 0x0001],
    [1 + 2 ** -11, 0x3c00], // a tie, to even
    [1 + 3 * 2 ** -11, 0x3c02], // a tie, to even
    [-0, 0x8000],
  ])("rounds %d as IEEE 754 does", (value, half) => {
    expect(toHalf(value)).toBe(half);
  });

  it("takes the nearest half for any float", () => {
    fc.assert(
      fc.property(fc.float({ min: -65_000, max: 65_000, noNaN: true }), (value) => {
        const half = toHalf(value);
        const error = Math.abs(fromHalf(half) - value);
        for (const neighbour of [half - 1, half + 1]) {
          if (neighbour < 0 || (neighbour & 0x7fff) > 0x7bff) continue;
          expect(Math.abs(fromHalf(neighbour) - value)).toBeGreaterThanOrEqual(error);
        }
      }),
    );
  });
});

describe("SHA-256", () => {
  it("agrees with Node's, however the bytes come in pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }), (pieces) => {
        const own = new Sha256();
        const nodes = createHash("sha256");
        for (const piece of pieces) {
          own.update(piece);
          nodes.update(piece);
        }
        expect(own.hex()).toBe(nodes.digest("hex"));
      }),
    );
  });
});

describe("learning-rate schedules", () => {
  it("stays where it is when constant", () => {
    expect([0, 5, 9].map((step) => learningRateAt({ type: "constant" }, 0.1, step, 10))).toEqual([0.1, 0.1, 0.1]);
  });

  it("rises to the peak and falls to the end in lines when triangular", () => {
    const schedule: Schedule = { type: "triangular", peakAt: 0.2, start: 0.2, end: 0.07 };
    expect(learningRateAt(schedule, 2, 0, 100)).toBeCloseTo(0.4, 12);
    expect(learningRateAt(schedule, 2, 10, 100)).toBeCloseTo(1.2, 12);
    expect(learningRateAt(schedule, 2, 20, 100)).toBeCloseTo(2, 12);
    expect(learningRateAt(schedule, 2, 60, 100)).toBeCloseTo(1.07, 12);
    expect(learningRateAt(schedule, 2, 100, 100)).toBeCloseTo(0.14, 12);
  });

  it("follows half a cosine after the warm-up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (steps, end) => {
        const warm = 0.1 * steps;
        for (let step = Math.ceil(warm); step < steps; step++) {
          const cosine = end + ((1 - end) * (1 + Math.cos((Math.PI * (step - warm)) / (steps - warm)))) / 2;
          expect(learningRateAt({ type: "cosine", warmup: 0.1, end }, 3, step, steps)).toBeCloseTo(3 * cosine, 12);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("never has a rate of 0 while warming up, and never more than the peak", () => {
    const schedule: Schedule = { type: "cosine", warmup: 0.5, end: 0 };
    const rates = Array.from({ length: 30 }, (_, step) => learningRateAt(schedule, 1, step, 30));
    expect(Math.min(...rates.slice(0, 15))).toBeGreaterThan(0);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1);
  });
});

describe("eigenvectors", () => {
  it("diagonalise any symmetric matrix, the largest eigenvalue first", () => {
    const matrix = fc.integer({ min: 1, max: 9 }).chain((size) =>
      fc
        .array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: size * size, maxLength: size * size })
        .map((values) => ({
          size,
          symmetric: Float64Array.from(
            values,
            (_, k) => values[k]! + values[(k % size) * size + Math.floor(k / size)]!,
          ),
        })),
    );
    fc.assert(
      fc.property(matrix, ({ size, symmetric }) => {
        const { values, vectors } = eigenSymmetric(symmetric, size);
        expect([...values]).toEqual([...values].sort((a, b) => b - a));
        for (let k = 0; k < size; k++) {
          const v = vectors.subarray(k * size, (k + 1) * size);
          for (let i = 0; i < size; i++) {
            const product = v.reduce((sum, component, j) => sum + symmetric[i * size + j]! * component, 0);
            expect(product).toBeCloseTo(values[k]! * v[i]!, 9);
          }
          for (let other = 0; other < size; other++) {
            const w = vectors.subarray(other * size, (other + 1) * size);
            expect(v.reduce((sum, component, i) => sum + component * w[i]!, 0)).toBeCloseTo(k === other ? 1 : 0, 9);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
