import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModelFile } from "@cifar/cnn/node";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../src/cli/program.js";
import { CIFAR10_NORMALISATION } from "../src/dataset/cifar10-files.js";
import { cacheFolder } from "../src/dataset/locate.js";
import { SHAPES_CLASSES } from "../src/dataset/shapes.js";
import { recipeOf } from "../src/recipes.js";
import { networkFor } from "../src/training/settings.js";
import { cifar, jsonLines } from "./command.js";
import { jpegOf, pngOf } from "./pictures.js";

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-typed-"));
  model = join(folder, "model.safetensors");
  const card = { classes: SHAPES_CLASSES, normalisation: CIFAR10_NORMALISATION };
  await writeModelFile(model, networkFor(recipeOf("paper"), 10, 1), card);
  await cifar(["data", "shapes", "--out", join(folder, "data"), "--train", "10", "--test", "10", "--quiet"]);
});

afterAll(() => rm(folder, { recursive: true }));

describe("what people type without the option's name", () => {
  it("is the model for eval, info and export", async () => {
    const measured = await cifar(["eval", model, "--data", join(folder, "data"), "--json"]);
    expect(measured.status, measured.stderr).toBe(0);
    expect(JSON.parse(measured.stdout)).toMatchObject({ total: 10 });
    const out = join(folder, "exported.onnx");
    const exported = await cifar(["export", model, "--out", out, "--json"]);
    expect(JSON.parse(exported.stdout), exported.stderr).toMatchObject({ file: out, format: "onnx" });
    const [bare, named] = await Promise.all([
      cifar(["info", model, "--json"]),
      cifar(["info", "--model", model, "--json"]),
    ]);
    expect(bare.stdout).toBe(named.stdout);
    expect(JSON.parse(bare.stdout)).toMatchObject({ parameters: 143_018 });
  });

  it("is the data for train", async () => {
    const words = ["train", join(folder, "data"), "--epochs", "1", "--json", "--out", join(folder, "run")];
    const { stdout, stderr } = await cifar(words);
    expect(jsonLines(stdout)[0], stderr).toMatchObject({ data: { train: 9, test: 10 } });
  });

  it.each([
    [
      ["eval", "a.safetensors", "--model", "b.safetensors"],
      2,
      /a\.safetensors and --model b\.safetensors: expected one/,
    ],
    [["train", "shapes", "--data", "photos"], 2, /shapes and --data \S+: expected one of the two/],
    [["train", "fast"], 2, /fast is a recipe.*: cifar train --recipe fast$/],
    [["eval", "shapes"], 2, /shapes are data.*: cifar eval --data shapes$/],
    [["train", "--recipe", "papre"], 2, /no recipe papre: choose of paper, fast, best \(Did you mean paper\?\)$/],
    [["train", "--recipe", "xyz"], 2, /no recipe xyz: choose of paper, fast, best$/],
    [["train", "shape"], 3, /expected a folder of data, or the word shapes: .* \(Did you mean shapes\?\)$/],
    [
      ["explain", "--model", "model.safetensors", "--class", "squared", "x.png"],
      2,
      /knows no class squared: .* \(Did you mean square\?\)$/,
    ],
    [["evla"], 2, /unknown command 'evla' \(Did you mean eval\?\)$/],
    [["info", "--modle", "x"], 2, /unknown option '--modle' \(Did you mean --model\?\)$/],
  ])("%j is answered with what was meant", async (words, expected, line) => {
    const { status, stdout, stderr } = await cifar(words, { cwd: folder });
    expect(stderr.trim()).toMatch(line);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect([status, stdout]).toEqual([expected, ""]);
  });
});

describe("cifar classify", () => {
  it("takes a folder for the pictures in it and below it, through links and whatever else lies there", async () => {
    const photos = join(folder, "my photos");
    const grey = { width: 32, height: 32, data: new Uint8Array(3072).fill(90) };
    await mkdir(join(photos, "b", "inner"), { recursive: true });
    await writeFile(join(photos, "a.PNG"), pngOf(grey));
    await writeFile(join(photos, "b", "inner", "c.jpeg"), jpegOf(grey));
    await writeFile(join(photos, "notes.txt"), "no picture");
    await writeFile(join(photos, ".hidden.png"), "no picture");
    await symlink(photos, join(photos, "b", "around"));
    const { status, stdout, stderr } = await cifar(["classify", "--model", model, "--json", photos]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).map(({ file }: { file: string }) => file)).toEqual([
      join(photos, "a.PNG"),
      join(photos, "b", "inner", "c.jpeg"),
    ]);
  });

  it("says of a folder without pictures, of a model and of a run what they are", async () => {
    const [empty, run] = [join(folder, "empty"), join(folder, "like-a-run")];
    await mkdir(empty);
    await mkdir(run);
    await cp(model, join(run, "model.safetensors"));
    await writeFile(join(run, "run.json"), "{}");
    const { status, stdout, stderr } = await cifar(["classify", "--model", model, empty, model, run]);
    expect(stderr.trim().split("\n")).toEqual([
      `cifar: ${empty}: expected PNG or JPEG pictures in this folder, found none`,
      `cifar: ${model}: expected pictures, found a model file: --model names the model`,
      `cifar: ${run}: expected pictures, found the folder of a run: --model names the model`,
    ]);
    expect([status, stdout]).toEqual([3, ""]);
  });
});

/** A command and all below it, by their words; what is handed on to another package has its help there. */
function commandsOf(command: Command, words: readonly string[] = []): [string, Command][] {
  const own: [string, Command][] = words.includes("serve") ? [] : [[["cifar", ...words].join(" "), command]];
  return [...own, ...command.commands.flatMap((inner) => commandsOf(inner, [...words, inner.name()]))];
}

describe("the help", () => {
  it.each(commandsOf(createProgram()))("of %s has examples that the command understands", (name, command) => {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    const [, examples = ""] = help.split("\nExamples:\n");
    const lines = examples.split("\n").filter((line) => line.startsWith("  cifar "));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(`${line.trim()} `).toContain(name === "cifar data" ? "cifar data " : `${name} `);
      const program = createProgram();
      let ran = 0;
      for (const [, each] of commandsOf(program)) {
        if (each.commands.length > 0) continue;
        each.action(() => {
          ran++;
        });
      }
      program.parse(line.trim().split(" ").slice(1), { from: "user" });
      expect(ran, line).toBe(1);
    }
  });
});

describe("cifar info", () => {
  it("needs no backend: it answers where there is no memory for one", async () => {
    const none = 'WebAssembly.Memory = class { constructor() { throw new RangeError("could not allocate memory"); } }';
    const { status, stdout, stderr } = await cifar(["info", "--json"], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(none)}` },
    });
    expect([status, stderr]).toEqual([0, ""]);
    const backends = JSON.parse(stdout).backends as { name: string }[];
    expect(backends.map(({ name }) => name)).toEqual(["wasm", "reference"]);
  });
});

describe("the cache folder", () => {
  it("of a user without a home is among the temporary files", () => {
    const none = () => {
      throw new Error("uv_os_homedir returned ENOENT (no such file or directory)");
    };
    for (const platform of ["linux", "darwin", "win32"]) {
      expect(cacheFolder({}, platform, none)).toBe(join(tmpdir(), "cifar-cache"));
      expect(cacheFolder({ CIFAR_CACHE: "/data" }, platform, none)).toBe("/data");
    }
    expect(cacheFolder({}, "linux", () => "/home/me")).toBe("/home/me/.cache/cifar");
  });
});
