import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createPredictor } from "@cifar/cnn";
import { readModelFile, writeModelFile } from "@cifar/cnn/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "../src/dataset/cifar10-files.js";
import { shapes } from "../src/dataset/shapes.js";
import { decodePicture } from "../src/picture/decode.js";
import { heatOver } from "../src/picture/heat.js";
import { recipeOf } from "../src/recipes.js";
import { networkFor } from "../src/training/settings.js";
import { cifar } from "./command.js";
import { pngOf } from "./pictures.js";

const CARD = { classes: CIFAR10_CLASSES, normalisation: CIFAR10_NORMALISATION, accuracy: { accuracy: 0.1 } };

let folder: string;
let model: string;
let picture: string;
const input = shapes({ count: 4 }).images.slice(3 * 3072);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-model-"));
  model = join(folder, "model.safetensors");
  picture = join(folder, "picture.png");
  await writeModelFile(model, networkFor(recipeOf("paper"), 10, 1), { ...CARD, temperature: 0.01 });
  await writeFile(picture, pngOf({ width: 32, height: 32, data: input }));
});

afterAll(() => rm(folder, { recursive: true }));

describe("a model's temperature", () => {
  it("is what classify and explain divide its logits by", async () => {
    const loaded = await readModelFile(model);
    const predictor = await createPredictor(loaded.model, { ...loaded.card, threads: 1 });
    const [expected] = await predictor.classify(input);
    predictor.close();
    const classified = JSON.parse((await cifar(["classify", "--model", model, "--json", picture])).stdout);
    expect(classified[0]).toEqual({ file: picture, ...expected });
    const out = join(folder, "temperature.png");
    const explained = JSON.parse((await cifar(["explain", "--model", model, "--json", "--out", out, picture])).stdout);
    expect(explained.label).toBe(expected?.label);
    expect(explained.confidence).toBeCloseTo(expected!.confidence, 5);
    // An untrained network is unsure: that it is not here is the temperature's doing.
    expect(expected!.confidence).toBeGreaterThan(0.5);
  });
});

describe("cifar explain", () => {
  it.each(["contributions", "saliency"])("by %s paints what speaks for a class over the picture", async (method) => {
    const out = join(folder, `${method}.png`);
    const words = ["explain", "--model", model, "--class", "frog", "--method", method, "--out", out, "--json", picture];
    const { stdout, stderr, status } = await cifar(words);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file: out, label: "frog", method });
    const { width, height, data } = decodePicture(await readFile(out));
    // Two pictures of 320 pixels and the frame around them.
    expect([width, height]).toEqual([658, 332]);
    const at = (x: number, y: number) => data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
    expect(at(6, 6)).toEqual(input.subarray(0, 3));
    expect(at(325, 325)).toEqual(input.subarray(input.length - 3));
    const painted = new Set(Array.from({ length: 32 }, (_, n) => at(337 + n * 10, 100).join()));
    expect(painted.size).toBeGreaterThan(16);
  });

  it("says which classes there are when it does not know the one that is asked for", async () => {
    const { status, stderr } = await cifar(["explain", "--model", model, "--class", "wolf", picture], { cwd: folder });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^cifar: the model knows no class wolf: choose of airplane, .*truck\n$/);
  });

  it("paints the strongest place orange if it speaks for the class and blue if it speaks against it", () => {
    const grey = { width: 8, height: 4, data: new Uint8Array(8 * 4 * 3).fill(128) };
    // Two places whose centres are pixels 2 and 6 of the 8 that the map was made of.
    const map = { width: 2, height: 1, start: 2, step: 4, values: Float32Array.from([2, -2]) };
    const { data } = heatOver(grey, map, 8);
    const [left, middle, right] = [data.subarray(0, 3), data.subarray(12, 15), data.subarray(21, 24)];
    expect(left[0]! - left[2]!).toBeGreaterThan(150);
    expect(right[2]! - right[0]!).toBeGreaterThan(150);
    // Half-way between them neither outweighs the other by much.
    expect(Math.abs(middle[0]! - middle[2]!)).toBeLessThan(50);
    const nothing = heatOver(grey, { ...map, values: new Float32Array(2) }, 8);
    expect(new Set(nothing.data)).toEqual(new Set([96]));
  });
});

describe("a model exported with --half", () => {
  it("has half the bytes, loads, and says nearly the same", async () => {
    const half = join(folder, "half.safetensors");
    const { stdout } = await cifar(["export", "--model", model, "--half", "--out", half, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ file: half, format: "model", half: true });
    const [full, small] = await Promise.all([model, half].map(async (path) => (await readFile(path)).length));
    // Two bytes a weight, but for the headers.
    expect(Math.abs(full! - small! - 143_018 * 2)).toBeLessThan(100);
    const [one, other] = await Promise.all([model, half].map((path) => readModelFile(path)));
    expect(other!.card).toEqual(one!.card);
    for (const [name, { data }] of one!.model.parameters) {
      // float16 keeps 11 bits: half of the last one is the most that rounding moves a value, relative to it.
      const halved = other!.model.parameters.get(name)!.data;
      for (const [index, value] of data.entries()) {
        if (Math.abs(halved[index]! - value) > Math.abs(value) * 2 ** -11 + 2 ** -25) expect.fail(`${name}[${index}]`);
      }
    }
    const { stdout: answers } = await cifar(["classify", "--model", half, "--json", picture]);
    expect(JSON.parse(answers)[0].classes).toHaveLength(10);
  });

  it("is no format of others", async () => {
    const words = ["export", "--model", model, "--half", "--format", "onnx", "--out", join(folder, "half.onnx")];
    const { status, stderr } = await cifar(words);
    expect(status).toBe(2);
    expect(stderr).toMatch(/--half is for model files/);
  });
});

describe("cifar info", () => {
  it("tells all recipes in full", async () => {
    const { stdout } = await cifar(["info"]);
    const [, ...blocks] = stdout.split(/^recipe (?=\w+$)/m);
    expect(blocks.map((block) => block.split("\n")[0])).toEqual(["paper", "fast", "best"]);
    expect(blocks[0]).toMatch(
      /epochs +3, batches of 64\n +optimiser +SGD 0\.01, momentum 0\.9 \(Nesterov\), weight decay 0\n/,
    );
    expect(blocks[0]).not.toMatch(/Muon|whitening/);
    expect(blocks[1]).toMatch(/Muon [\d.]+, momentum/);
    expect(blocks[1]).toMatch(/whitening of \d+ pictures, epsilon/);
    expect(blocks[1]).toMatch(/flip alternating/);
  });

  it("tells what a model file says about itself, a line a value", async () => {
    const { stdout } = await cifar([
      "info",
      "--model",
      fileURLToPath(new URL("../models/cifar10.safetensors", import.meta.url)),
    ]);
    expect(stdout).toMatch(/^training\.recipe\.name +best$/m);
    expect(stdout).toMatch(/^training\.curve +\d+ entries$/m);
    expect(stdout).toMatch(/^accuracy\.accuracy +0\.\d+$/m);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThan(200);
  });
});
