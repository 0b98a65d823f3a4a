import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  exp,
  fillNormal,
  fillUniform,
  log,
  permutation,
  philox4x32,
  RandomStream,
  seedKey,
  TensorError,
} from "../src/index.js";
import { normalQuantile } from "../src/random.js";

const KEY = { seed: 5, stream: 9 };

const digest = (values: ArrayBufferView) =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");

/** Difference in units in the last place of `expected`. */
function unitsApart(actual: number, expected: number): number {
  const next = new Float64Array([Math.abs(expected)]);
  new BigInt64Array(next.buffer)[0]! += 1n;
  return Math.abs(actual - expected) / (next[0]! - Math.abs(expected));
}

/** Largest difference between an empirical distribution function and the true one (Kolmogorov and Smirnov). */
function largestGap(values: Float32Array, distribution: (value: number) => number): number {
  return values
    .slice()
    .sort()
    .reduce((most, value, index, { length }) => {
      const probability = distribution(value);
      return Math.max(most, Math.abs(probability - index / length), Math.abs(probability - (index + 1) / length));
    }, 0);
}

describe("philox4x32", () => {
  // Known answers published with Random123 (kat_vectors, philox4x32 10).
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], answer: "6627e8d5 e169c58d bc57ac4c 9b00dbd8" },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      answer: "408f276d 41c83b0e a20bc7c6 6d5451fd",
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      answer: "d16cfe09 94fdcceb 5001e420 24126ea1",
    },
  ])("gives the published answer $answer", ({ counter, key, answer }) => {
    const words = new Uint32Array(4);
    philox4x32(Uint32Array.from(counter), Uint32Array.from(key), words);
    expect([...words].map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(answer);
  });
});

describe("seedKey", () => {
  it("takes seeds up to 2^53 − 1 apart", () => {
    expect([...seedKey(2 ** 53 - 1)]).toEqual([0xffffffff, 2 ** 21 - 1]);
    expect([...seedKey(3)]).toEqual([3, 0]);
  });

  it.each([-1, 1.5, 2 ** 53, Number.NaN])("refuses %d", (seed) => {
    expect(() => seedKey(seed)).toThrow(TensorError);
    expect(() => seedKey(seed)).toThrow(/seed must be a whole number from 0 to 2\^53 − 1, but is/);
  });
});

describe("RandomStream", () => {
  it("is uniform: no tenth of [0, 1) gets more or less than chance allows", () => {
    const values = new Float32Array(100_000);
    fillUniform(values, KEY);
    const counts = new Array<number>(10).fill(0);
    for (const value of values) counts[Math.floor(value * 10)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // 99.9 % quantile with 9 degrees of freedom.
    expect(chiSquare).toBeLessThan(27.9);
  });

  it("follows the uniform distribution in every interval that it is asked for", () => {
    const values = new Float32Array(50_000);
    fillUniform(values, KEY, -2, 6);
    // 99.9 % quantile of Kolmogorov's distribution.
    expect(largestGap(values, (value) => (value + 2) / 8)).toBeLessThan(1.95 / Math.sqrt(values.length));
    expect(Math.min(...values.subarray(0, 1000))).toBeGreaterThanOrEqual(-2);
  });

  it("has the moments of the normal distribution that it is asked for", () => {
    const values = new Float32Array(100_000);
    fillNormal(values, KEY, 3, 2);
    const moment = (power: number) =>
      values.reduce((sum, value) => sum + ((value - 3) / 2) ** power, 0) / values.length;
    // Each within four standard deviations of its estimate: √((m2k − mk²) / n).
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const) {
      expect(Math.abs(moment(power) - expected)).toBeLessThan(4 * Math.sqrt(variance / values.length));
    }
  });

  it("gives the words of one counter after the other, the block counting on", () => {
    const stream = new RandomStream({ seed: 2 ** 40 + 3, stream: 7, step: 11, index: 13 });
    const words = new Uint32Array(4);
    for (let block = 0; block < 3; block++) {
      philox4x32(Uint32Array.of(block, 13, 11, 7), seedKey(2 ** 40 + 3), words);
      for (const word of words) expect(stream.nextUint32()).toBe(word);
    }
  });

  it("is normal: the empirical distribution follows the true one (Kolmogorov and Smirnov)", () => {
    const values = new Float32Array(50_000);
    fillNormal(values, KEY);
    const sorted = values.slice().sort();
    // Quantiles of the standard normal distribution, from tables.
    const quantiles = [
      [-2.326348, 0.01],
      [-1.281552, 0.1],
      [-0.67449, 0.25],
      [0, 0.5],
      [0.67449, 0.75],
      [1.281552, 0.9],
      [2.326348, 0.99],
    ] as const;
    for (const [value, probability] of quantiles) {
      const below = sorted.findIndex((candidate) => candidate > value) / sorted.length;
      expect(Math.abs(below - probability)).toBeLessThan(1.95 / Math.sqrt(sorted.length));
    }
  });

  it("knows the quantiles of the normal distribution to seven digits", () => {
    for (const [probability, value] of [
      [0.975, 1.959963985],
      [0.001, -3.090232306],
      [1e-9, -5.997807015],
    ] as const) {
      expect(Math.abs(normalQuantile(probability) / value - 1)).toBeLessThan(2e-7);
    }
  });

  it("draws each number below a bound equally often, and nothing else", () => {
    const stream = new RandomStream(KEY);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[stream.nextBelow(7)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(counts).toHaveLength(7);
    // 99.9 % quantile with 6 degrees of freedom.
    expect(chiSquare).toBeLessThan(22.5);
  });

  it("draws below large bounds without favouring small numbers", () => {
    const stream = new RandomStream(KEY);
    const count = 30_000;
    let low = 0;
    // A remainder alone would make the first third of the numbers below 3 · 2^30 twice as likely as the others: 1/2 of all.
    for (let i = 0; i < count; i++) if (stream.nextBelow(3 * 2 ** 30) < 2 ** 30) low++;
    expect(Math.abs(low / count - 1 / 3)).toBeLessThan(4 * Math.sqrt(2 / 9 / count));
  });

  it("gives other numbers for every part of its key", () => {
    const first = (key: ConstructorParameters<typeof RandomStream>[0]) => new RandomStream(key).nextUint32();
    const numbers = [KEY, { ...KEY, seed: 6 }, { ...KEY, stream: 10 }, { ...KEY, step: 1 }, { ...KEY, index: 1 }].map(
      first,
    );
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("gives the same bits on every machine", () => {
    const values = new Float32Array(1000);
    fillNormal(values, { seed: 1, stream: 2, step: 3, index: 4 });
    expect(digest(values)).toBe("1297e476cd8cb863e1b5be36d39a85e18ce1ceb7320e2223add5cefd55cc2fb6");
  });
});

describe("permutation", () => {
  it("holds every number once", () => {
    expect([...permutation(1000, KEY)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("makes each of the six orders of three equally often", () => {
    const counts = new Map<string, number>();
    for (let step = 0; step < 6000; step++) {
      const order = permutation(3, { ...KEY, step }).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 99.9 % quantile with 5 degrees of freedom.
    expect(chiSquare).toBeLessThan(20.5);
  });
});

describe("exp and log", () => {
  it("agree with Math.exp and Math.log within two units in the last place", () => {
    const stream = new RandomStream(KEY);
    let [ofExp, ofLog] = [0, 0];
    for (let i = 0; i < 20_000; i++) {
      const x = 1400 * stream.nextUniform() - 700;
      ofExp = Math.max(ofExp, unitsApart(exp(x), Math.exp(x)));
      // Near 1 the logarithm is small and every rounding counts.
      for (const y of [Math.exp(x), 1 + (stream.nextUniform() - 0.5) / 1000, 0.5 + stream.nextUniform()]) {
        ofLog = Math.max(ofLog, unitsApart(log(y), Math.log(y)));
      }
    }
    expect(ofExp).toBeLessThanOrEqual(2);
    expect(ofLog).toBeLessThanOrEqual(2);
  });

  it("know their limits", () => {
    expect(exp(Number.NaN)).toBeNaN();
    expect(exp(-1e9)).toBeGreaterThan(0);
    expect(exp(0)).toBe(1);
    expect(log(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(log(-1)).toBeNaN();
    expect(log(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(log(1)).toBe(0);
  });

  it("give the same bits on every machine", () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => exp(i / 7 - 70) + log(i + 0.3));
    expect(digest(values)).toBe("8849b2267297146768926498196fadfa5d85d261492a9f01e32e97649daccf08");
  });
});
