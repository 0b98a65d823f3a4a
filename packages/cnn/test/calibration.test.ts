import { RandomStream } from "@cifar/tensor";
import { describe, expect, it } from "vitest";
import { calibration, fitTemperature } from "../src/calibration.js";

/** Labels drawn from the softmax of logits / temperature: there that temperature is the right one by construction. */
function drawn(options: { readonly count: number; readonly temperature: number }) {
  const { count, temperature } = options;
  const classes = 10;
  const logits = new Float32Array(count * classes);
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const random = new RandomStream({ seed: 3, stream: 0, index: n });
    const row = logits.subarray(n * classes, (n + 1) * classes);
    for (let c = 0; c < classes; c++) row[c] = 8 * (random.nextBelow(1 << 20) / (1 << 20));
    const powers = Array.from(row, (value) => Math.exp(value / temperature));
    let left = (random.nextBelow(1 << 20) / (1 << 20)) * powers.reduce((sum, power) => sum + power, 0);
    let label = 0;
    while (label < classes - 1 && left > powers[label]!) left -= powers[label++]!;
    labels[n] = label;
  }
  return { logits, labels };
}

describe("the fitted temperature", () => {
  it.each([0.5, 1, 2.5])("finds the one that the labels were drawn with: %d", (temperature) => {
    const { logits, labels } = drawn({ count: 20_000, temperature });
    // The standard error of the estimate is about 1 % for so many labels.
    expect(Math.abs(fitTemperature(logits, labels) / temperature - 1)).toBeLessThan(0.03);
  });

  it("has the least loss of all temperatures around it", () => {
    const { logits, labels } = drawn({ count: 500, temperature: 1.7 });
    const fitted = fitTemperature(logits, labels);
    const best = calibration(logits, labels, { temperature: fitted }).loss;
    for (const factor of [0.5, 0.9, 0.99, 1.01, 1.1, 2]) {
      expect(calibration(logits, labels, { temperature: fitted * factor }).loss).toBeGreaterThan(best);
    }
  });

  it("stays within its range where every answer is right, so that no temperature is low enough", () => {
    const logits = Float32Array.from([5, 0, 0, 5]);
    expect(fitTemperature(logits, [0, 1])).toBeCloseTo(0.0498, 4);
  });
});

describe("the expected calibration error", () => {
  it("is that of a case counted by hand", () => {
    // Confidences 0.9, 0.9, 0.6, 0.6; of the sure ones one is right, of the others both.
    const pair = (confidence: number) => [Math.log(confidence / (1 - confidence)), 0];
    const logits = Float32Array.from([0.9, 0.9, 0.6, 0.6].flatMap(pair));
    const { error, bins, loss } = calibration(logits, [0, 1, 0, 0], { bins: 10 });
    expect(error).toBeCloseTo(0.5 * Math.abs(0.9 - 0.5) + 0.5 * Math.abs(0.6 - 1), 6);
    expect(bins.map(({ count }) => count).filter((count) => count > 0)).toEqual([2, 2]);
    expect(loss).toBeCloseTo(-(Math.log(0.9) + Math.log(0.1) + 2 * Math.log(0.6)) / 4, 6);
  });

  it("is small where labels come with the confidence that is told, and smaller than with another temperature", () => {
    const { logits, labels } = drawn({ count: 20_000, temperature: 2 });
    const right = calibration(logits, labels, { temperature: 2 });
    expect(right.error).toBeLessThan(0.01);
    expect(calibration(logits, labels).error).toBeGreaterThan(0.1);
    expect(right.bins).toHaveLength(15);
    expect(right.bins.reduce((sum, { count }) => sum + count, 0)).toBe(20_000);
  });

  it("takes certainty for the last bin", () => {
    const { bins, error } = calibration(Float32Array.from([1000, 0]), [0]);
    expect(bins.at(-1)).toMatchObject({ count: 1, confidence: 1, accuracy: 1 });
    expect(error).toBe(0);
  });

  it.each([
    [[1, 2, 3], [0, 1], {}],
    [[1, 2], [2], {}],
    [[], [], {}],
  ])("refuses logits %j with labels %j", (logits, labels) => {
    expect(() => calibration(Float32Array.from(logits), labels)).toThrow(/do not fit together/);
  });

  it("refuses a temperature of 0 and half a bin", () => {
    expect(() => calibration(new Float32Array(2), [0], { temperature: 0 })).toThrow(/temperature must be above 0/);
    expect(() => calibration(new Float32Array(2), [0], { bins: 0.5 })).toThrow(/bins must be/);
  });
});
