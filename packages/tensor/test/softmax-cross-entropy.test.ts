import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends, fill } from "./support/backends.js";
import { crossEntropy, missedNotFinite } from "./support/cross-entropy.js";
import { fixtureCases } from "./support/fixtures.js";
import { dot, expectClose, FORWARD, GRADIENT, randomNumbers } from "./support/numbers.js";

describe.each(backends)("softmaxCrossEntropy on $name", ({ create }) => {
  it.each(fixtureCases("softmax-cross-entropy").map((tensors, index) => ({ tensors, index })))(
    "agrees with PyTorch, label smoothing included, case $index",
    async ({ tensors }) => {
      const { shape, data } = tensors.get("logits")!;
      const [batch, classes] = shape as [number, number];
      const labels = [...tensors.get("labels")!.data];
      const labelSmoothing = tensors.get("label_smoothing")!.data[0]!;
      const result = await crossEntropy(
        create(),
        { batch, classes, labelSmoothing },
        { logits: data, labels, scale: 1 / batch },
      );
      const mean = result.losses.reduce((sum, value) => sum + value, 0) / batch;
      expectClose([mean], tensors.get("loss")!.data, FORWARD);
      expectClose(result.gradient, tensors.get("gradient")!.data, GRADIENT);
    },
  );

  it("is stable for logits of ±10,000", async () => {
    const result = await crossEntropy(
      create(),
      { batch: 2, classes: 3 },
      { logits: [1e4, -1e4, 0, -1e4, -1e4, -1e4], labels: [1, 2] },
    );
    expectClose(result.losses, [2e4, Math.log(3)], FORWARD);
    expectClose(result.probabilities, [1, 0, 0, 1 / 3, 1 / 3, 1 / 3], FORWARD);
  });

  it("gives what PyTorch gives where logits are infinite or NaN", async () => {
    expect(await missedNotFinite(create())).toEqual([]);
  });

  it("counts a picture with label −1 as absent: no loss, no gradient", async () => {
    const logits = randomNumbers(6, 1);
    const result = await crossEntropy(
      create(),
      { batch: 2, classes: 3, labelSmoothing: 0.1 },
      { logits, labels: [-1, 2] },
    );
    expect(result.losses[0]).toBe(0);
    expect([...result.gradient.slice(0, 3)]).toEqual([0, 0, 0]);
    expect(result.losses[1]).toBeGreaterThan(0);
  });

  it.each([0, 0.2])("has the gradient of finite differences with smoothing %f", async (labelSmoothing) => {
    const backend = create();
    const logits = randomNumbers(5, 3);
    const spec = { batch: 1, classes: 5, labelSmoothing };
    const { gradient } = await crossEntropy(backend, spec, { logits, labels: [3] });
    const exact = (values: Float64Array) => {
      const logSum = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));
      return values.reduce((sum, value, c) => {
        const target = (c === 3 ? 1 - labelSmoothing : 0) + labelSmoothing / 5;
        return sum - target * (value - logSum);
      }, 0);
    };
    for (let c = 0; c < 5; c++) {
      const moved = (by: number) => Float64Array.from(logits, (value, k) => (k === c ? value + by : value));
      expect(gradient[c]).toBeCloseTo((exact(moved(1e-5)) - exact(moved(-1e-5))) / 2e-5, 5);
    }
  });

  it("computes the definition for any batch, number of classes and smoothing", async () => {
    const backend = create();
    const specs = fc.record({
      batch: fc.integer({ min: 1, max: 9 }),
      classes: fc.integer({ min: 1, max: 21 }),
      labelSmoothing: fc.constantFrom(0, 0.1, 0.5),
    });
    await fc.assert(
      fc.asyncProperty(specs, fc.nat(1000), async (spec, seed) => {
        const { batch, classes, labelSmoothing } = spec;
        const logits = randomNumbers(batch * classes, seed).map((value) => value * 10);
        const labels = Array.from({ length: batch }, (_, n) => (seed + 7 * n) % classes);
        const { probabilities, losses, gradient } = await crossEntropy(backend, spec, { logits, labels, scale: 0.5 });
        for (let n = 0; n < batch; n++) {
          const row = Float64Array.from(logits.slice(n * classes, (n + 1) * classes));
          const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
          const target = row.map((_, c) => (c === labels[n] ? 1 - labelSmoothing : 0) + labelSmoothing / classes);
          const logs = row.map((value) => value - logSum);
          const slices = [probabilities, gradient].map((values) => values.slice(n * classes, (n + 1) * classes));
          expectClose(slices[0]!, logs.map(Math.exp), FORWARD);
          // Differences of nearly equal numbers: compared with their largest possible value.
          slices[1]!.forEach((value, c) => {
            expect(Math.abs(value - 0.5 * (Math.exp(logs[c]!) - target[c]!))).toBeLessThan(FORWARD);
          });
          expect(Math.abs(losses[n]! + dot(target, logs))).toBeLessThan(FORWARD * Math.max(1, -dot(target, logs)));
        }
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("gives a picture the same bits whatever the others in the batch are", async () => {
    const logits = randomNumbers(20, 8);
    const spec = { batch: 2, classes: 10 };
    const first = await crossEntropy(create(), spec, { logits, labels: [4, 6] });
    const second = await crossEntropy(create(), spec, { logits: logits.slice().fill(5, 0, 10), labels: [-1, 6] });
    expect(second.losses[1]).toBe(first.losses[1]);
    expect(second.probabilities.slice(10)).toEqual(first.probabilities.slice(10));
    expect(second.gradient.slice(10)).toEqual(first.gradient.slice(10));
    expect(second.losses[0]).not.toBe(first.losses[0]);
  });

  it("gives probabilities alone, in place", async () => {
    const backend = create();
    const logits = await fill(backend, [2, 2], [0, Math.log(3), 5, 5]);
    await backend.softmax({ batch: 2, classes: 2 }).forward(logits, logits);
    expectClose(await backend.read(logits), [0.25, 0.75, 0.5, 0.5], FORWARD);
  });
});
