import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/checkpoint.js";
import { weightsDigest } from "../../src/digest.js";
import { CnnError } from "../../src/errors.js";
import { footprint } from "../../src/footprint.js";
import { loadModel, saveModel } from "../../src/model-file.js";
import { toOnnx } from "../../src/onnx.js";
import { createPredictor } from "../../src/predictor.js";
import { fromPyTorch, toPyTorch } from "../../src/pytorch.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/safetensors.js";
import type { Sequential } from "../../src/sequential.js";
import { takeCheckpoint } from "../support/checkpoint.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "../support/toys.js";
import { bytesOfAny, changedHeader, hostileCard, hostileJson, hostileModel, nasty } from "./hostile-files.js";

/* Files of strangers, 5,000 of each kind by `npm run fuzz`: every one is what it says, or refused by a typed error in one line. */

/** Beyond this a network is not tried out: the plain backend would take seconds. */
const MOST_FLOPS = 1e6;

/** Megabytes by which the process may grow over a suite: a header of 20 MB of brackets once took 1,100. */
const MEGABYTES = 500;

function expectTyped(error: unknown): void {
  expect(error).toBeInstanceOf(CnnError);
  const { message } = error as CnnError;
  expect(message).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]{1,1000}$/u);
}

/** What `read` gives, or undefined where it throws the package's own error. */
function attempt<T>(read: () => T, codes?: readonly string[]): T | undefined {
  try {
    return read();
  } catch (error) {
    expectTyped(error);
    if (codes !== undefined) expect(codes).toContain((error as CnnError).code);
    return undefined;
  }
}

/** That a network that was let through works: it answers, is told of, written and read again. */
async function expectWorking(bytes: Uint8Array): Promise<void> {
  const loaded = attempt(() => loadModel(bytes), ["INVALID_FILE"]);
  if (loaded === undefined) return;
  const { model, card, digest } = loaded;
  const { activations, flops } = footprint(model.input, model.placed);
  expect(activations).toBeLessThanOrEqual(20 * 2 ** 20);
  expect(flops).toBeLessThanOrEqual(4e10);
  expect(model.summary()).toContain("total");
  expect(loadModel(saveModel(model, card)).digest).toBe(digest);
  attempt(() => toOnnx(model));
  attempt(() => toPyTorch(model));
  if (flops > MOST_FLOPS || activations > MOST_FLOPS) return;
  try {
    await expectAnswer(model, card);
  } catch (error) {
    expectTyped(error);
    // Networks without parameters compute nothing; those of large weights have no answer.
    expect(["NOT_FINITE", "INVALID_ARGUMENT", "SHAPE_MISMATCH"]).toContain((error as CnnError).code);
  }
}

async function expectAnswer(model: Sequential, card: ReturnType<typeof loadModel>["card"]): Promise<void> {
  const predictor = await createPredictor(model, { ...card, backend: "reference", threads: 1 });
  try {
    const white = new Uint8Array(model.input.reduce((size, side) => size * side, 1)).fill(255);
    const [answer] = await predictor.classify(white);
    const sum = answer!.classes.reduce((all, { probability }) => all + probability, 0);
    expect(sum).toBeCloseTo(1, 4);
    expect(Number.isFinite(answer!.confidence)).toBe(true);
  } finally {
    predictor.close();
  }
}

/** Most memory that this process ever had. */
const peak = () => process.resourceUsage().maxRSS / 1024;

const model = toyNetwork();
const CARD = { classes: toyPictures({ count: 1 }).classes, normalisation: TOY_NORMALISATION };
const wholeModel = saveModel(model, {
  ...CARD,
  temperature: 2,
  training: { seed: 1 },
  accuracy: { total: 9, correct: 3 },
});
const halfModel = saveModel(model, CARD, { dtype: "F16" });
const pytorch = encodeSafetensors(toPyTorch(model), { format: "pt" });

describe("model files", () => {
  it("of any bytes, header or card", async () => {
    const before = peak();
    const files = fc.oneof(
      { weight: 1, arbitrary: bytesOfAny(wholeModel) },
      { weight: 3, arbitrary: changedHeader(wholeModel) },
      { weight: 1, arbitrary: changedHeader(halfModel) },
      { weight: 3, arbitrary: hostileCard(wholeModel) },
      { weight: 3, arbitrary: hostileModel },
    );
    await fc.assert(fc.asyncProperty(files, expectWorking), fuzzRuns({ short: 150, full: 5000 }));
    expect(peak() - before).toBeLessThan(MEGABYTES);
  });
});

describe("PyTorch's files", () => {
  it("of any bytes or header", () => {
    const before = peak();
    const files = fc.oneof(bytesOfAny(pytorch), changedHeader(pytorch));
    fc.assert(
      fc.property(files, (bytes) => {
        const decoded = attempt(() => decodeSafetensors(bytes), ["INVALID_FILE"]);
        if (decoded === undefined) return;
        const network = toyNetwork();
        const digest = weightsDigest(network);
        const taken = attempt(() => fromPyTorch(decoded.tensors, network), ["SHAPE_MISMATCH", "NOT_FINITE"]);
        if (taken === undefined) expect(weightsDigest(network)).toBe(digest);
        else for (const { data } of network.parameters.values()) expect(data.every(Number.isFinite)).toBe(true);
        // What was read is written to the same values again, whatever the names.
        expect(decodeSafetensors(encodeSafetensors(decoded.tensors, decoded.metadata)).tensors).toEqual(
          decoded.tensors,
        );
      }),
      fuzzRuns({ short: 150, full: 5000 }),
    );
    expect(peak() - before).toBeLessThan(MEGABYTES);
  });
});

describe("checkpoints", async () => {
  const checkpoint = await takeCheckpoint();
  const whole = encodeCheckpoint(checkpoint);

  it("of any bytes, header, plan or position", () => {
    const before = peak();
    /** A checkpoint with one value changed, whose digest is right all the same. */
    const altered = fc
      .tuple(
        fc.constantFrom("plan", "data", "step", "epochLoss", "architecture"),
        fc.nat(),
        fc.oneof(nasty, hostileJson),
      )
      .map(([part, at, value]) => {
        const copy = JSON.parse(JSON.stringify(checkpoint[part as "plan"])) as unknown;
        const changed = changeOne(copy, at, value);
        return attempt(() => encodeCheckpoint({ ...checkpoint, [part]: changed } as typeof checkpoint)) ?? whole;
      });
    const files = fc.oneof(
      { weight: 1, arbitrary: bytesOfAny(whole) },
      { weight: 2, arbitrary: changedHeader(whole) },
      { weight: 3, arbitrary: hostileCard(whole) },
      { weight: 3, arbitrary: altered },
    );
    fc.assert(
      fc.property(files, (bytes) => {
        const decoded = attempt(() => decodeCheckpoint(bytes), ["INVALID_FILE"]);
        if (decoded === undefined) return;
        expect(decoded.plan.batchSize).toBeLessThanOrEqual(16_384);
        expect(decodeCheckpoint(encodeCheckpoint(decoded))).toEqual(decoded);
      }),
      fuzzRuns({ short: 150, full: 5000 }),
    );
    expect(peak() - before).toBeLessThan(MEGABYTES);
  });
});

/** Puts a value somewhere into a tree of plain data, or in its place. */
function changeOne(tree: unknown, at: number, value: unknown): unknown {
  if (typeof tree !== "object" || tree === null) return value;
  const entries = Object.entries(tree);
  const entry = entries[at % Math.max(entries.length, 1)];
  if (entry === undefined) return value;
  const changed = changeOne(entry[1], Math.floor(at / entries.length), value);
  return Array.isArray(tree) ? tree.with(Number(entry[0]), changed) : { ...tree, [entry[0]]: changed };
}
