import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModelFile } from "@cifar/cnn/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CIFAR10_NORMALISATION } from "../src/dataset/cifar10-files.js";
import { shapes } from "../src/dataset/shapes.js";
import { recipeOf } from "../src/recipes.js";
import { escapeMarkdown } from "../src/report/escape.js";
import { networkFor } from "../src/training/settings.js";
import { cifar } from "./command.js";
import { pngOf } from "./pictures.js";

/** Clears the screen, sets the window's title, the same by one character of C1, breaks the line, turns the direction. */
const NASTY = "\u001b[2J\u001b]0;owned\u0007\u009b31m\r\u2028\u202egnp";

/** Whatever a terminal would obey; line feeds between lines are ours. */
const OBEYED = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

let folder: string;
let model: string;
let picture: string;
let data: string;
const classes = [`cat${NASTY}\n`, "dog"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-untrusted-"));
  model = join(folder, `model${NASTY}.safetensors`);
  picture = join(folder, `picture${NASTY}\n.png`);
  data = join(folder, `data${NASTY}`);
  await writeModelFile(model, networkFor(recipeOf("paper"), 2, 1), {
    classes,
    normalisation: CIFAR10_NORMALISATION,
    training: { recipe: NASTY, [NASTY]: { [NASTY]: [NASTY, 1] } },
    accuracy: { data: NASTY },
  });
  const drawn = shapes({ count: 24 }).images;
  const png = (n: number) => pngOf({ width: 32, height: 32, data: drawn.slice(n * 3072, (n + 1) * 3072) });
  await writeFile(picture, png(0));
  for (const [index, name] of classes.entries()) {
    await mkdir(join(data, name), { recursive: true });
    for (let n = 0; n < 12; n++) await writeFile(join(data, name, `${n}.png`), png(12 * index + n));
  }
  await writeFile(join(data, classes[0]!, `broken${NASTY}.png`), "no picture");
});

afterAll(() => rm(folder, { recursive: true }));

describe("escape sequences in class names, file names and what a model says of itself", () => {
  const words: [string, () => string[], number][] = [
    ["info", () => ["info", "--model", model], 0],
    ["info in JSON", () => ["info", "--json", "--model", model], 0],
    ["classify", () => ["classify", "--model", model, picture], 0],
    ["classify of a file that is not there", () => ["classify", "--model", model, `${picture}no`], 3],
    ["explain", () => ["explain", "--model", model, "--out", join(folder, `${NASTY}.png`), picture], 0],
    ["explain of a class that there is not", () => ["explain", "--model", model, "--class", NASTY, picture], 2],
    ["eval", () => ["eval", "--model", model, "--data", data], 0],
    ["eval of other classes", () => ["eval", "--data", data], 2],
    ["data info", () => ["data", "info", "--data", data], 0],
    ["export", () => ["export", "--model", model, "--out", join(folder, `${NASTY}.onnx`)], 0],
    ["a model that is none", () => ["info", "--model", picture], 3],
    ["an option that there is not", () => ["info", `--${NASTY}`], 2],
  ];
  it.each(words)("never reach a terminal: %s", async (_, command, expected) => {
    const { status, stdout, stderr } = await cifar(command());
    expect(status, stderr).toBe(expected);
    expect(stdout + stderr).not.toMatch(OBEYED);
    expect(stdout + stderr).not.toBe("");
  });

  it("stay what they are in JSON", async () => {
    const { stdout } = await cifar(["classify", "--model", model, "--json", picture]);
    expect(stdout).not.toMatch(OBEYED);
    const [answer] = JSON.parse(stdout);
    expect(answer.file).toBe(picture);
    expect(answer.classes.map(({ label }: { label: string }) => label).sort()).toEqual([...classes].sort());
  });

  it("are shown as what they are, on the line of their class", async () => {
    const { stdout } = await cifar(["classify", "--model", model, picture]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toContain("cat\\u001b[2J\\u001b]0;owned\\u0007\\u009b31m\\u000d\\u2028\\u202egnp\\u000a");
  });

  it("are in no Markdown that is read on a terminal", () => {
    expect(escapeMarkdown(NASTY)).not.toMatch(OBEYED);
  });
});
