import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPercent, formatRatio, formatSpread, meanAndDeviation, quantile, summarise } from "../src/statistics.js";

describe("quantile", () => {
  test("gives a number itself where the fraction meets it", () => {
    expect([0, 0.25, 0.5, 0.75, 1].map((fraction) => quantile([1, 3, 7, 20, 21], fraction))).toEqual([1, 3, 7, 20, 21]);
  });

  test("goes in a straight line from one number to the next", () => {
    expect(quantile([10, 20], 0.5)).toBe(15);
    // NumPy: np.quantile([1, 2, 4, 8], [0.25, 0.4, 0.99])
    const fromNumPy = [1.75, 2.4, 7.88];
    for (const [i, fraction] of [0.25, 0.4, 0.99].entries()) {
      expect(quantile([1, 2, 4, 8], fraction)).toBeCloseTo(fromNumPy[i]!, 12);
    }
  });

  test("knows nothing of no numbers", () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("summarise", () => {
  test("does not depend on the order of the samples, and leaves them in theirs", () => {
    const samples = [5, 1, 4, 2, 3];
    expect(summarise(samples)).toEqual({ median: 3, lowerQuartile: 2, upperQuartile: 4, samples: 5 });
    expect(samples).toEqual([5, 1, 4, 2, 3]);
  });

  test("sorts by value, not as text", () => {
    expect(summarise([100, 9, 20]).median).toBe(20);
  });

  test("has at least half of the samples on either side of the median, and a quarter beyond each quartile", () => {
    const times = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(times, (samples) => {
        const { median, lowerQuartile, upperQuartile } = summarise(samples);
        const share = (test: (sample: number) => boolean) => samples.filter(test).length / samples.length;
        expect(share((sample) => sample <= median)).toBeGreaterThanOrEqual(0.5);
        expect(share((sample) => sample >= median)).toBeGreaterThanOrEqual(0.5);
        expect(share((sample) => sample <= lowerQuartile)).toBeGreaterThanOrEqual(0.25);
        expect(share((sample) => sample >= upperQuartile)).toBeGreaterThanOrEqual(0.25);
      }),
    );
  });
});

test("formatRatio keeps three digits, and all before the point", () => {
  const shown = [0.034, 0.734, 1, 2.056, 9.994, 9.996, 12.34, 99.94, 99.96, 4197.2].map(formatRatio);
  expect(shown).toEqual(["0.03×", "0.73×", "1.00×", "2.06×", "9.99×", "10.0×", "12.3×", "99.9×", "100×", "4197×"]);
});

test("meanAndDeviation is that of a sample", () => {
  expect(meanAndDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, deviation: Math.sqrt(32 / 7) });
  expect(meanAndDeviation([3])).toEqual({ mean: 3, deviation: 0 });
});

test("a spread is told as the median with the quartiles behind it, a part in percent", () => {
  expect(formatSpread(summarise([1, 2, 3, 4, 5]), 1)).toBe("3.0 (2.0–4.0)");
  expect(formatPercent(0.72199, 2)).toBe("72.20 %");
  expect(formatPercent(2.5, 0)).toBe("250 %");
});
