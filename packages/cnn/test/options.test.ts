import { describe, expect, it } from "vitest";
import { evaluate, predictBothSides, predictLogits } from "../src/evaluate.js";
import { explain } from "../src/explain.js";
import { fit } from "../src/fit.js";
import type { FitOptions } from "../src/fit-options.js";
import { flatten, linear } from "../src/layers.js";
import { saveModel } from "../src/model-file.js";
import { createPredictor } from "../src/predictor.js";
import { decodeSafetensors, encodeSafetensors } from "../src/safetensors.js";
import { Sequential } from "../src/sequential.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

/* Values that TypeScript would refuse, as programs in JavaScript give them: none may quietly do what the default does. */

const PICTURES = toyPictures({ count: 10 });
const CARD = { classes: PICTURES.classes, normalisation: TOY_NORMALISATION };

async function train(options: object): Promise<void> {
  const given = {
    epochs: 1,
    optimiser: { learningRate: 0.1 },
    normalisation: TOY_NORMALISATION,
    threads: 1,
    ...options,
  };
  for await (const _ of fit(toyNetwork(), { train: PICTURES }, given as FitOptions));
}

/** Everything that computes. */
const COMPUTING: [string, (options: object) => Promise<unknown>][] = [
  ["fit", train],
  ["evaluate", (options) => evaluate(toyNetwork(), PICTURES, { ...CARD, ...options })],
  ["predictLogits", (options) => predictLogits(toyNetwork(), PICTURES, { ...CARD, ...options })],
  ["predictBothSides", (options) => predictBothSides(toyNetwork(), PICTURES, { ...CARD, ...options })],
  ["createPredictor", (options) => createPredictor(toyNetwork(), { ...CARD, ...options })],
  ["explain", (options) => explain(toyNetwork(), PICTURES.images.subarray(0, 192), { ...CARD, ...options })],
];

const refused = (message: RegExp | string) => ({ code: "INVALID_ARGUMENT", message });

describe.each(COMPUTING)("%s", (_, compute) => {
  it.each([
    ["a name that there is not", "webgl", "backend must be wasm or reference or gpu, not webgl"],
    ["a name in capitals", "WASM", "not WASM"],
    ["no name at all", "", "backend must be"],
    ["null", null, "not null"],
    ["a number", 1, "not 1"],
    ["an object that is no backend", { name: "wasm" }, "not [object Object]"],
    ["a backend of no known name", { name: "metal", conv2d() {} }, "not [object Object]"],
  ])("refuses as backend %s", async (__, backend, message) => {
    await expect(compute({ backend })).rejects.toMatchObject(refused(expect.stringContaining(message) as never));
  });
});

describe("a closed set of values", () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      "a schedule",
      () => train({ schedule: { type: "steps" } }),
      /schedule\.type must be constant or triangular or cosine, not steps/,
    ],
    ["a schedule without a type", () => train({ schedule: {} }), /schedule\.type .* not undefined/],
    ["a schedule that is null", () => train({ schedule: null }), /schedule\.type/],
    [
      "a way to mirror",
      () => train({ augment: { flip: "always" } }),
      /augment\.flip must be none or random or alternating, not always/,
    ],
    [
      "Nesterov by a word",
      () => train({ optimiser: { learningRate: 0.1, nesterov: "no" } }),
      /nesterov must be true or false, not no/,
    ],
    [
      "flip of evaluate by a word",
      () => evaluate(toyNetwork(), PICTURES, { ...CARD, flip: "false" as never }),
      /flip must be true or false/,
    ],
    [
      "flip of a predictor by a number",
      () => createPredictor(toyNetwork(), { ...CARD, flip: 1 as never }),
      /flip must be true or false, not 1/,
    ],
    [
      "a way to draw parameters",
      async () => toyNetwork().initialise({ method: "xavier" as never, seed: 0 }),
      /method must be pytorch or he, not xavier/,
    ],
    [
      "a dtype of a model file",
      async () => saveModel(toyNetwork(), CARD, { dtype: "F64" as never }),
      /dtype must be F32 or F16, not F64/,
    ],
    [
      "a dtype of a tensor",
      async () => encodeSafetensors(new Map([["a", { dtype: "F64" as never, shape: [1], data: new Float32Array(1) }]])),
      /dtype of a must be one of F32, F16, I32, U8, I64, not F64/,
    ],
    [
      "a kind of layer",
      async () => new Sequential({ input: [2, 2, 1], layers: [flatten(), { type: "softmax" } as never] }),
      /layer 1 must be a conv2d, .* not "softmax"/,
    ],
    [
      "a layer that is none",
      async () => new Sequential({ input: [2], layers: [undefined as never] }),
      /layer 0 must be/,
    ],
    [
      "a limit",
      async () => decodeSafetensors(new Uint8Array(8), { limits: { headers: 1 } as never }),
      /there is no headers, only headerBytes/,
    ],
  ])("refuses what is not in it: %s", async (_, attempt, message) => {
    await expect((async () => attempt())()).rejects.toMatchObject(refused(message));
  });

  it("takes what is in it", async () => {
    for (const schedule of [{ type: "constant" }, { type: "cosine", warmup: 0, end: 0 }]) await train({ schedule });
    const model = new Sequential({ input: [4], layers: [linear({ outputs: 3 })] });
    for (const method of ["pytorch", "he"] as const) model.initialise({ method, seed: 0 });
  });
});

describe("a batch of more pictures than any memory holds", () => {
  it.each([1_000_000_000, Number.MAX_SAFE_INTEGER])("is refused by what it asks for: %d", async (batchSize) => {
    const told = refused(
      `batchSize ${batchSize} asks for ${batchSize * 192} values of pictures at once, more than 268435456`,
    );
    for (const backend of ["wasm", "reference"] as const) {
      await expect(createPredictor(toyNetwork(), { ...CARD, backend, batchSize })).rejects.toMatchObject(told);
      await expect(train({ backend, batchSize })).rejects.toMatchObject(told);
    }
  });
});
