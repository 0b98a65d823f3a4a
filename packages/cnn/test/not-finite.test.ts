import { describe, expect, it } from "vitest";
import { encodeCheckpoint } from "../src/checkpoint.js";
import { cifarCnn } from "../src/cifar-cnn.js";
import { evaluate, predictBothSides, predictLogits } from "../src/evaluate.js";
import { explain } from "../src/explain.js";
import { fit } from "../src/fit.js";
import type { FitOptions } from "../src/fit-options.js";
import { flatten, linear } from "../src/layers.js";
import { loadModel, saveModel } from "../src/model-file.js";
import { createPredictor } from "../src/predictor.js";
import { fromPyTorch, toPyTorch } from "../src/pytorch.js";
import { encodeSafetensors, type SafetensorsTensor } from "../src/safetensors.js";
import { Sequential } from "../src/sequential.js";
import { BACKENDS } from "./support/backends.js";
import { oracleTensors } from "./support/oracle.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

const PICTURES = toyPictures({ count: 10 });
const CARD = { classes: PICTURES.classes, normalisation: TOY_NORMALISATION };

/** A network with one value of a parameter changed. */
function spoilt(name: string, value: number, position = 1): Sequential {
  const model = toyNetwork();
  model.parameters.get(name)!.data[position] = value;
  return model;
}

const notFinite = (message: string) =>
  expect.objectContaining({ code: "NOT_FINITE", message: expect.stringContaining(message) });

describe("weights that are not finite", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("are not written: %d", async (value) => {
    const model = spoilt("4.bias", value);
    const told = `4.bias holds ${value} at position 1`;
    expect(() => saveModel(model, CARD)).toThrow(notFinite(`model file: tensor ${told}`));
    expect(() => saveModel(model, CARD, { dtype: "F16" })).toThrow(notFinite(told));
    expect(() => toPyTorch(model)).toThrow(notFinite(told));
  });

  it("are not written into a checkpoint", async () => {
    const options: FitOptions = {
      epochs: 1,
      optimiser: { learningRate: 0.1 },
      normalisation: TOY_NORMALISATION,
      averaging: { decay: 0.5 },
      threads: 1,
    };
    for await (const event of fit(toyNetwork(), { train: PICTURES }, options)) {
      if (event.type !== "epoch") continue;
      const checkpoint = await event.checkpoint();
      for (const group of ["parameters", "velocities", "averages"] as const) {
        const values = new Map([...checkpoint[group]!].map(([name, data]) => [name, data.slice()]));
        values.get("7.bias")![2] = Number.NaN;
        const told = { parameters: "parameter", velocities: "velocity", averages: "average" }[group];
        expect(() => encodeCheckpoint({ ...checkpoint, [group]: values })).toThrow(
          notFinite(`tensor ${told}.7.bias holds NaN at position 2`),
        );
        values.delete("7.bias");
        expect(() => encodeCheckpoint({ ...checkpoint, [group]: values })).toThrow(`tensor ${told}.7.bias is missing`);
      }
    }
    expect.assertions(6);
  });

  it("are not taken over from PyTorch, and the network stays as it is", () => {
    const given = oracleTensors("network", "initial.");
    const model = cifarCnn({ seed: 1 });
    const before = model.parameters.get("0.weight")!.data.slice();
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const bias: SafetensorsTensor = { dtype: "F32", shape: [10], data: new Float32Array(10).fill(value, 9) };
      expect(() => fromPyTorch(new Map([...given, ["13.bias", bias]]), model)).toThrow(
        notFinite(`PyTorch state dict: 13.bias holds ${value} at position 9`),
      );
    }
    expect(model.parameters.get("0.weight")!.data).toEqual(before);
  });
});

describe("weights that are too large for half precision", () => {
  // 65504 is the largest half; from halfway to the next there would be, values are rounded to infinity.
  const below = 65_519.996_093_75;

  it("are written up to the last that is rounded to a finite half", () => {
    const loaded = loadModel(saveModel(spoilt("7.bias", -below), CARD, { dtype: "F16" }));
    expect(loaded.model.parameters.get("7.bias")!.data[1]).toBe(-65_504);
  });

  it.each([65_520, -65_520, 3e38])("are refused, naming tensor and value: %d", (value) => {
    const model = spoilt("7.bias", value);
    const told = expect.objectContaining({
      code: "INVALID_ARGUMENT",
      message: `tensor 7.bias holds ${Math.fround(value)}, too large for float16: save it as F32`,
    });
    expect(() => saveModel(model, CARD, { dtype: "F16" })).toThrow(told);
    expect(loadModel(saveModel(model, CARD)).model.parameters.get("7.bias")!.data[1]).toBe(Math.fround(value));
    const tensor: SafetensorsTensor = { dtype: "F16", shape: [1], data: Float32Array.of(value) };
    expect(() => encodeSafetensors(new Map([["7.bias", tensor]]))).toThrow(told);
  });
});

describe.each(BACKENDS)("finite weights that are too large to compute with, on backend $name", ({ name }) => {
  const model = toyNetwork();
  for (const [parameter, { data }] of model.parameters) if (parameter.endsWith("weight")) data.fill(3e38);
  const options = { ...CARD, backend: name, threads: 1 };
  const told = notFinite("network: its answer to picture 0 holds");

  it("are an error of evaluate, predictLogits, predictBothSides and explain", async () => {
    await expect(evaluate(model, PICTURES, options)).rejects.toEqual(told);
    await expect(evaluate(model, PICTURES, { ...options, flip: true })).rejects.toEqual(told);
    await expect(predictLogits(model, PICTURES, options)).rejects.toEqual(told);
    await expect(predictBothSides(model, PICTURES, options)).rejects.toEqual(told);
    await expect(explain(model, PICTURES.images.subarray(0, 192), options)).rejects.toEqual(told);
  });

  it("are an error of explain where only their gradient is", async () => {
    // Of a black picture the logits are 0, but each channel weighs 3e38 · 3e38.
    const deep = new Sequential({
      input: [1, 1, 1],
      layers: [flatten(), linear({ outputs: 1 }), linear({ outputs: 2 })],
    });
    deep.parameters.get("1.weight")!.data.fill(3e38);
    deep.parameters.get("2.weight")!.data.set([3e38, -3e38]);
    const black = { normalisation: { mean: [0], deviation: [1] }, backend: name };
    await expect(explain(deep, Uint8Array.of(0), black)).rejects.toEqual(notFinite("explain: the network's gradient"));
  });

  it("are an error of a predictor, which goes on to answer what it can", async () => {
    // Two pixels of which only a bright one is too much.
    const grey = {
      normalisation: { mean: [0], deviation: [1] },
      classes: ["a", "b"],
      backend: name,
      threads: 1,
      batchSize: 2,
    };
    const sum = new Sequential({ input: [1, 2, 1], layers: [flatten(), linear({ outputs: 2 })] });
    sum.parameters.get("1.weight")!.data.set([3e38, 1, 3e38, 1]);
    const predictor = await createPredictor(sum, grey);
    await expect(predictor.predict(Uint8Array.of(0, 0, 0, 0, 255, 255))).rejects.toEqual(
      notFinite("picture 2 holds Infinity"),
    );
    await expect(predictor.classify(Uint8Array.of(255, 255))).rejects.toEqual(notFinite("picture 0 holds Infinity"));
    expect((await predictor.classify(Uint8Array.of(255, 0)))[0]).toMatchObject({ label: "a", confidence: 1 });
    predictor.close();
  });
});

describe("fit", () => {
  it("ends where its finite weights give no answer to the validation pictures, naming the step", async () => {
    const run = async () => {
      const options: FitOptions = {
        epochs: 1,
        batchSize: 10,
        optimiser: { learningRate: 1e37, momentum: 0 },
        normalisation: TOY_NORMALISATION,
        threads: 1,
      };
      for await (const _ of fit(toyNetwork(), { train: PICTURES, validation: PICTURES }, options));
    };
    await expect(run()).rejects.toEqual(notFinite("fit: after step 1, network: its answer to picture 0 holds"));
  });
});
