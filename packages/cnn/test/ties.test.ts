import { describe, expect, it } from "vitest";
import { calibration } from "../src/calibration.js";
import { summariseLogits } from "../src/evaluation.js";
import { explain } from "../src/explain.js";
import { conv2d, flatten, linear } from "../src/layers.js";
import { createPredictor } from "../src/predictor.js";
import { Sequential } from "../src/sequential.js";

const CLASSES = ["a", "b", "c"];
/** Rows in which several classes share the largest logit, and which of them torch.argmax takes: the first. */
const TIES = [
  { logits: [1, 1, 0], first: 0 },
  { logits: [0, 2, 2], first: 1 },
  { logits: [3, 0, 3], first: 0 },
  { logits: [-0, 0, -1], first: 0 },
  { logits: [0.1, 0.1, 0.1], first: 0 },
  { logits: [-3e38, -5, -5], first: 1 },
];

/** Says the same of every picture. */
function saying(logits: readonly number[]): Sequential {
  const layers = [conv2d({ filters: 2, kernel: 1 }), flatten(), linear({ outputs: CLASSES.length })];
  const model = new Sequential({ input: [1, 1, 3], layers });
  model.parameters.get("2.bias")!.data.set(logits);
  return model;
}

const normalisation = { mean: [0, 0, 0], deviation: [1, 1, 1] };

describe.each(TIES)("of logits $logits the first of the largest", ({ logits, first }) => {
  it("is what an evaluation counts", () => {
    for (let label = 0; label < CLASSES.length; label++) {
      const data = { labels: Uint8Array.of(label), classes: CLASSES, count: 1 };
      const { confusion, correct } = summariseLogits(Float32Array.from(logits), data);
      expect(confusion[label]!.indexOf(1)).toBe(first);
      expect(correct).toBe(label === first ? 1 : 0);
    }
  });

  it("is what a calibration holds to be right", () => {
    for (let label = 0; label < CLASSES.length; label++) {
      const { bins } = calibration(Float32Array.from(logits), [label]);
      expect(bins.find(({ count }) => count === 1)!.accuracy).toBe(label === first ? 1 : 0);
    }
  });

  it.each(["reference", "wasm"] as const)("is what a predictor names on backend %s", async (backend) => {
    const predictor = await createPredictor(saying(logits), { normalisation, classes: CLASSES, backend });
    const [answer] = await predictor.classify(new Uint8Array(3));
    expect(answer!.label).toBe(CLASSES[first]);
    predictor.close();
  });

  it("is what is explained", async () => {
    expect((await explain(saying(logits), new Uint8Array(3), { normalisation })).label).toBe(first);
  });
});
