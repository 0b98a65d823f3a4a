import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint.js";
import { conv2d, flatten, linear, maxPool2d, relu } from "../src/layers.js";
import { FILE_LIMITS, type FileLimits } from "../src/limits.js";
import { loadModel, saveModel } from "../src/model-file.js";
import { printable, quoted } from "../src/printable.js";
import { decodeSafetensors } from "../src/safetensors.js";
import { Sequential } from "../src/sequential.js";
import { takeCheckpoint } from "./support/checkpoint.js";
import { describing, HOSTILE, networkFile, withHeader } from "./support/hostile.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

const PROGRAM = fileURLToPath(new URL("support/open-files.mjs", import.meta.url));

/** Megabytes that a process may take that opens all of the files: Node alone takes 55, a few copies of 80 of activations the rest. */
const MEGABYTES = 320;

describe("a stranger's model file", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cifar-hostile-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is a model or refused in one line, in little memory and on any heap", async () => {
    const paths = HOSTILE.map((_, index) => join(folder, `${index}.safetensors`));
    for (const [index, [, file]] of HOSTILE.entries()) await writeFile(paths[index]!, file());
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ["--max-old-space-size=96", PROGRAM, ...paths]);
    const { outcomes, megabytes } = JSON.parse(stdout) as { outcomes: string[]; megabytes: number };
    for (const [index, [name, , outcome]] of HOSTILE.entries()) {
      expect(outcomes[index], name).toMatch(outcome);
      expect(outcomes[index], name).toMatch(/^(answers|CnnError INVALID_FILE: [^\p{Cc}]{1,300})$/u);
    }
    expect(megabytes).toBeLessThan(MEGABYTES);
  });
});

/** What a file is refused for, undefined if it is not. */
function refusal(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ name: "CnnError", code: "INVALID_FILE" });
    return (error as Error).message;
  }
}

describe("a limit", () => {
  const card = { classes: ["a"], normalisation: { mean: [0], deviation: [1] } };
  const model = new Sequential({
    input: [4, 4, 1],
    layers: [
      conv2d({ filters: 2, kernel: 3, padding: 1 }),
      relu(),
      maxPool2d({ size: 2 }),
      flatten(),
      linear({ outputs: 1 }),
    ],
  });
  const file = saveModel(model, { ...card, training: { a: { b: [1, 2, 3] } } });
  const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
  const architecture = JSON.stringify(model.architecture()).length;
  const measured: [keyof FileLimits, number, string][] = [
    ["headerBytes", headerBytes, "bytes of header"],
    // Metadata and four tensors; six texts; and of each tensor three fields, its shape's sides and two offsets.
    ["headerValues", 1 + 1 + 4 + 1 + 5 + (4 * (1 + 2 + 2 + 1) + 3 + 0 + 1 + 0), "values"],
    ["depth", 3, "lists and objects inside one another"],
    ["layers", 5, "layers"],
    // The picture, what it is padded to, what convolution and pooling make of it, and the logit.
    ["activations", 16 + 36 + 32 + 8 + 1, "values of activations a picture"],
    // Multiply-adds of 9 · 2 weights at 16 places and biases, ReLU, 3 comparisons for each of 8 windows, the linear layer.
    ["flops", 2 * 18 * 16 + 32 + 32 + 8 * 3 + 2 * 8 + 1, "floating-point operations a picture"],
  ];

  it.each(measured)("lets %s through up to itself and names what is past it", (name, most, what) => {
    expect(refusal(() => loadModel(file, { limits: { [name]: most } }))).toBeUndefined();
    expect(refusal(() => loadModel(file, { limits: { [name]: most - 1 } }))).toContain(
      `asks for ${most} ${what}, limits.${name} allows ${most - 1}`,
    );
  });

  it("of the length of a text lets it through up to itself", () => {
    // The longest one is the architecture, whose quotes are escaped in the header.
    const escaped = architecture + (JSON.stringify(model.architecture()).match(/"/g) ?? []).length;
    expect(refusal(() => loadModel(file, { limits: { textLength: escaped } }))).toBeUndefined();
    expect(refusal(() => loadModel(file, { limits: { textLength: escaped - 1 } }))).toContain("limits.textLength");
  });

  it("of the values of one text lets them through up to itself", () => {
    const list = (length: number) => describing({ architecture: `[${new Array(length).fill(0).join()}]` });
    const read = (length: number) => refusal(() => loadModel(list(length), { limits: { values: 50 } }));
    expect(read(49)).toContain("must be an object");
    expect(read(50)).toContain("asks for 51 values in one text, limits.values allows 50");
  });

  it("can be raised for a network that is larger", () => {
    const large = networkFile([6000, 4000, 1], [conv2d({ filters: 1, kernel: 1, stride: 6000 })]);
    expect(refusal(() => loadModel(large))).toContain(`limits.activations allows ${FILE_LIMITS.activations}`);
    const { model: loaded } = loadModel(large, { limits: { activations: 3e7 } });
    expect(loaded.input).toEqual([6000, 4000, 1]);
  });

  it("has room for VGG-16 on pictures of 224 × 224", () => {
    const block = (filters: number, count: number) => [
      ...Array.from({ length: count }, () => [conv2d({ filters, kernel: 3, padding: 1 }), relu()]).flat(),
      maxPool2d({ size: 2 }),
    ];
    const layers = [...block(64, 2), ...block(128, 2), ...block(256, 3), ...block(512, 3), ...block(512, 3), flatten()];
    const dense = [linear({ outputs: 4096 }), relu(), linear({ outputs: 4096 }), relu(), linear({ outputs: 1000 })];
    const text = JSON.stringify({ input: [224, 224, 3], layers: [...layers, ...dense] });
    // Its weights, 550 MB, are what is missed: its sizes are let through.
    expect(refusal(() => loadModel(describing({ architecture: text })))).toBe("tensor 0.weight is missing");
  });

  it("holds for checkpoints too, and for the pictures of their steps", async () => {
    const checkpoint = await takeCheckpoint();
    const withPlan = (change: object) => encodeCheckpoint({ ...checkpoint, plan: { ...checkpoint.plan, ...change } });
    expect(decodeCheckpoint(withPlan({ batchSize: FILE_LIMITS.batchSize })).plan.batchSize).toBe(16_384);
    expect(refusal(() => decodeCheckpoint(withPlan({ batchSize: 16_385 })))).toContain("limits.batchSize allows 16384");
    expect(refusal(() => decodeCheckpoint(withPlan({ batchSize: 1_000_000 })))).toContain("limits.batchSize");
    expect(decodeCheckpoint(withPlan({ batchSize: 20_000 }), { limits: { batchSize: 20_000 } }).plan.batchSize).toBe(
      20_000,
    );
    expect(refusal(() => decodeCheckpoint(encodeCheckpoint(checkpoint), { limits: { layers: 7 } }))).toContain(
      "limits.layers",
    );
  });

  it.each([
    ["count", 0],
    ["count", 1e15],
    ["count", -1],
    ["count", 0.5],
    ["pictures", -1],
    ["pictures", 31],
    ["pictures", 1e15],
    ["step", -1],
    ["step", 0.5],
  ])("keeps a checkpoint's %s from being %d", async (name, value) => {
    const checkpoint = await takeCheckpoint();
    const changed = {
      count: { data: { ...checkpoint.data, count: value } },
      pictures: { epochLoss: { ...checkpoint.epochLoss, pictures: value } },
      step: { step: value },
    }[name]!;
    const bytes = encodeCheckpoint({ ...checkpoint, ...changed });
    expect(refusal(() => decodeCheckpoint(bytes))).toMatch(new RegExp(`position.*${name} must be a whole number from`));
  });
});

describe("text of a file in a message", () => {
  it("is one printable line, cut where it is long", () => {
    expect(printable("a\u001b[31m\u009b\n\u2028\u202eb")).toBe("a\\u001b[31m\\u009b\\u000a\\u2028\\u202eb");
    expect(quoted(`${"x".repeat(80)}y`)).toBe(`"${"x".repeat(80)}…"`);
    expect(quoted("x".repeat(80))).toBe(`"${"x".repeat(80)}"`);
    const message = refusal(() => decodeSafetensors(withHeader(`{"${"\\u001b\\u009b".repeat(1000)}":1}`)));
    expect(message).toMatch(/^[^\p{Cc}]{1,700}$/u);
  });
});

describe("what is saved", () => {
  it.each<[string, object, RegExp]>([
    ["a class that is no text", { classes: ["a", 2, "c"] }, /classes\[1\] must be a string, not 2/],
    ["a training record that is a list", { training: [] }, /training must be an object/],
    ["an accuracy that is a number", { accuracy: 0.7 }, /accuracy must be an object of plain data, not 0.7/],
    ["no normalisation", { normalisation: undefined }, /normalisation: expected 3 means/],
  ])("is refused where it could not be loaded: %s", (_, change, message) => {
    const card = { classes: toyPictures({ count: 1 }).classes, normalisation: TOY_NORMALISATION, ...change };
    expect(() => saveModel(toyNetwork(), card as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) }),
    );
  });
});
