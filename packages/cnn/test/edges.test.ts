import { describe, expect, it } from "vitest";
import { calibration } from "../src/calibration.js";
import type { Checkpoint } from "../src/checkpoint.js";
import type { Dataset } from "../src/dataset.js";
import { dataDigest, digestOf, weightsDigest } from "../src/digest.js";
import { evaluate, predictBothSides } from "../src/evaluate.js";
import { summariseLogits } from "../src/evaluation.js";
import { explain } from "../src/explain.js";
import { fit } from "../src/fit.js";
import type { FitOptions } from "../src/fit-options.js";
import { flatten, linear } from "../src/layers.js";
import { createPredictor } from "../src/predictor.js";
import { Sequential } from "../src/sequential.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

/* Ties and exact edges, by value: what a change by one, or of a sign of comparison, would get wrong. */

describe("a predictor that looks at both sides", () => {
  it.each([1, 0.4, 2.5])("divides the mean of both logits by its temperature, %d", async (temperature) => {
    const { images, classes } = toyPictures({ count: 6 });
    const options = { normalisation: TOY_NORMALISATION, backend: "reference", threads: 1 } as const;
    const { asItIs, mirrored } = await predictBothSides(toyNetwork(), toyPictures({ count: 6 }), options);
    const predictor = await createPredictor(toyNetwork(), { ...options, classes, temperature, flip: true });
    const probabilities = await predictor.predict(images);
    predictor.close();
    for (let n = 0; n < 6; n++) {
      const logits = [0, 1, 2].map((k) => (asItIs[3 * n + k]! + mirrored[3 * n + k]!) / 2 / temperature);
      const sum = logits.reduce((all, logit) => all + Math.exp(logit), 0);
      for (const [k, logit] of logits.entries()) {
        expect(probabilities[3 * n + k]).toBeCloseTo(Math.exp(logit) / sum, 6);
      }
    }
    // Which only says something where the sides differ.
    expect(Math.max(...asItIs.map((value, index) => Math.abs(value - mirrored[index]!)))).toBeGreaterThan(0.01);
  });
});

describe("the moving average of the weights", () => {
  const TRAIN = toyPictures({ count: 40 });
  const OPTIONS: FitOptions = {
    epochs: 2,
    batchSize: 10,
    optimiser: { learningRate: 0.05 },
    normalisation: TOY_NORMALISATION,
    backend: "reference",
    threads: 1,
  };

  async function statesOf(options: Partial<FitOptions>) {
    const model = toyNetwork();
    const steps: Checkpoint[] = [];
    const epochs: { digest: string; validationLoss: number | undefined }[] = [];
    for await (const event of fit(model, { train: TRAIN, validation: TRAIN }, { ...OPTIONS, ...options })) {
      if (event.type === "step") steps.push(await event.checkpoint());
      if (event.type === "epoch") epochs.push({ digest: weightsDigest(model), validationLoss: event.validationLoss });
    }
    return { steps, epochs };
  }

  it("is that of the weights themselves up to the step that it begins with, and moves from there on", async () => {
    // 8 steps, of which the fifth is the first that moves the average: it begins where the first epoch ends.
    const plain = await statesOf({});
    const averaged = await statesOf({ averaging: { decay: 0.5, from: 0.5 } });
    expect(averaged.epochs[0]).toEqual(plain.epochs[0]);
    expect(averaged.epochs[1]).not.toEqual(plain.epochs[1]);
    for (const [step, { parameters, averages }] of averaged.steps.entries()) {
      const same = digestOf(averages!) === digestOf(parameters);
      expect(same, `after step ${step + 1}`).toBe(step + 1 <= 4);
    }
    const [fourth, fifth] = [averaged.steps[3]!, averaged.steps[4]!];
    for (const [name, average] of fifth.averages!) {
      for (const [index, value] of average.entries()) {
        const expected = (fourth.parameters.get(name)![index]! + fifth.parameters.get(name)![index]!) / 2;
        expect(value).toBeCloseTo(expected, 6);
      }
    }
  });
});

describe("the digest of data", () => {
  const data = toyPictures({ count: 30 });
  const relabelled = (labels: Dataset["labels"]): Dataset => ({ ...data, labels });

  it("depends on every label", () => {
    const digests = new Set([dataDigest(data)]);
    for (let n = 0; n < data.count; n++) {
      const labels = Uint8Array.from(data.labels, (label, index) => (index === n ? (label + 1) % 3 : label));
      digests.add(dataDigest(relabelled(labels)));
    }
    expect(digests.size).toBe(31);
  });

  it("is the same for the same labels in bytes and in whole numbers", () => {
    expect(dataDigest(relabelled(Int32Array.from(data.labels)))).toBe(dataDigest(data));
  });

  it("tells labels apart that are the same modulo 256", () => {
    const classes = Array.from({ length: 600 }, (_, index) => `${index}`);
    const labelled = (label: number) => ({ ...relabelled(new Int32Array(30).fill(label)), classes });
    expect(new Set([1, 257, 513].map((label) => dataDigest(labelled(label)))).size).toBe(3);
  });

  it("keeps a run from going on with the same pictures under other labels", async () => {
    const options: FitOptions = {
      epochs: 1,
      batchSize: 10,
      optimiser: { learningRate: 0.05 },
      normalisation: TOY_NORMALISATION,
      threads: 1,
    };
    let resume: Checkpoint | undefined;
    for await (const event of fit(toyNetwork(), { train: data }, options)) {
      if (event.type === "step") resume ??= await event.checkpoint();
    }
    const train = relabelled(Uint8Array.from(data.labels, (label, index) => (index === 29 ? (label + 1) % 3 : label)));
    const goingOn = async () => {
      for await (const _ of fit(toyNetwork(), { train }, { ...options, resume: resume! }));
    };
    await expect(goingOn()).rejects.toMatchObject({ code: "CHECKPOINT_MISMATCH", message: /it was trained on bars/ });
  });
});

describe("classes that are equally probable", () => {
  const classes = ["red", "green", "blue"];
  const grey: Dataset = {
    name: "grey",
    images: Uint8Array.of(5, 5, 5, 5, 5, 5, 0, 5, 5),
    labels: Uint8Array.of(0, 2, 2),
    shape: [1, 1, 3],
    classes,
    count: 3,
  };
  const normalisation = { mean: [0, 0, 0], deviation: [1, 1, 1] };
  const options = { normalisation, threads: 1 };
  /** Logit k is channel k. */
  const echo = () => {
    const model = new Sequential({ input: [1, 1, 3], layers: [flatten(), linear({ outputs: 3 })] });
    for (let k = 0; k < 3; k++) model.parameters.get("1.weight")!.data[4 * k] = 1;
    return model;
  };

  it("are taken for the first of them, by whoever counts", async () => {
    const confusion = [
      [1, 0, 0],
      [0, 0, 0],
      [1, 1, 0],
    ];
    expect(summariseLogits(Float32Array.of(5, 5, 5, 5, 5, 5, 0, 5, 5), grey)).toMatchObject({ confusion, correct: 1 });
    expect(await evaluate(echo(), grey, options)).toMatchObject({ confusion, correct: 1 });
    expect((await explain(echo(), grey.images.subarray(6), options)).label).toBe(1);
    expect(calibration(Float32Array.of(5, 5, 5, 5), [0, 1], { bins: 1 }).bins[0]!.accuracy).toBe(0.5);
    expect(calibration(Float32Array.of(5, 5), [1], { bins: 1 }).bins[0]!.accuracy).toBe(0);
  });

  it("are named in their own order, and cut off in it", async () => {
    const predictor = await createPredictor(echo(), { ...options, classes });
    const [tied, , second] = await predictor.classify(grey.images);
    expect(tied!.classes.map(({ label }) => label)).toEqual(classes);
    expect(tied).toMatchObject({ label: "red", confidence: Math.fround(1 / 3) });
    expect(second!.classes.map(({ label }) => label)).toEqual(["green", "blue", "red"]);
    const [two] = await predictor.classify(grey.images, { top: 2 });
    expect(two!.classes.map(({ label }) => label)).toEqual(["red", "green"]);
    predictor.close();
  });
});

describe("a confidence at the edge of a bin", () => {
  /** So many classes of equal logits: a confidence of exactly 1 / classes. */
  const binsOf = (classes: number, bins: number) =>
    calibration(new Float32Array(classes), [0], { bins }).bins.map(({ count }) => count);

  it("belongs to the bin below it", () => {
    expect(binsOf(2, 2)).toEqual([1, 0]);
    expect(binsOf(2, 4)).toEqual([0, 1, 0, 0]);
    expect(binsOf(4, 4)).toEqual([1, 0, 0, 0]);
    expect(binsOf(2, 10)).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect(binsOf(1, 4)).toEqual([0, 0, 0, 1]);
  });

  it("and one that is a little above it to the bin above", () => {
    expect(calibration(Float32Array.of(1e-6, 0), [0], { bins: 2 }).bins.map(({ count }) => count)).toEqual([0, 1]);
  });

  it("says where each bin begins and ends", () => {
    const { bins } = calibration(new Float32Array(2), [0], { bins: 4 });
    expect(bins.map(({ from, to }) => [from, to])).toEqual([
      [0, 0.25],
      [0.25, 0.5],
      [0.5, 0.75],
      [0.75, 1],
    ]);
  });
});
