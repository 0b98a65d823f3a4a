import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cifarCnn, saveModel, toOnnx } from "@cifar/cnn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "../src/dataset/cifar10-files.js";
import { type CommandResult, cifar } from "./command.js";
import { pngFile, pngOf } from "./pictures.js";

let folder: string;
let model: string;
let good: Uint8Array;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-bad-"));
  model = join(folder, "model.safetensors");
  good = saveModel(cifarCnn(), { classes: CIFAR10_CLASSES, normalisation: CIFAR10_NORMALISATION });
  await writeFile(model, good);
  await writeFile(join(folder, "good.png"), pngOf({ width: 40, height: 40, data: new Uint8Array(4800).fill(90) }));
});

afterAll(() => rm(folder, { recursive: true }));

/** One line on stderr that says what is wrong, nothing on stdout, no stack. */
function expectRefusal(result: CommandResult, status: number, reason: RegExp | string): void {
  const { stdout, stderr } = result;
  expect(stderr.trim().split("\n"), stderr).toHaveLength(1);
  if (typeof reason === "string") expect(stderr).toContain(reason);
  else expect(stderr).toMatch(reason);
  expect(stderr).toMatch(/^cifar: /);
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  expect(stdout).toBe("");
  expect(result.status).toBe(status);
}

describe("wrong usage ends with status 2 and one line", () => {
  it.concurrent.each([
    ["a flag with a typing error", ["train", "--epoch", "3"], /unknown option '--epoch' \(Did you mean --epochs\?\)/],
    ["a command with a typing error", ["trian"], /unknown command 'trian' \(Did you mean train\?\)/],
    [
      "a number that is none",
      ["train", "--epochs", "many"],
      /'many' is invalid. Expected a whole number of at least 1/,
    ],
    ["a number below its range", ["train", "--batch", "0"], /at least 1/],
    ["a dropout of 1", ["train", "--dropout", "1"], /from 0 to below 1/],
    ["half a picture held out", ["train", "--held-out", "0.5"], /whole number of at least 0/],
    ["a learning rate below 0", ["train", "--lr", "-1"], /above 0/],
    ["a backend that does not exist", ["train", "--backend", "cuda"], /Allowed choices are wasm, reference, gpu/],
    [
      "a recipe that does not exist",
      ["train", "--data", "shapes", "--recipe", "papre"],
      /no recipe papre: choose of paper/,
    ],
    ["a resumed run with other settings", ["train", "--resume", "x", "--batch", "3"], /cannot be used with/],
    ["no picture to classify", ["classify"], /missing required argument/],
    ["an unknown format", ["export", "--format", "onxn", "--out", "x"], /Allowed choices are/],
    ["an export whose name says no format", ["export", "--out", "x.pt"], /ends in \.safetensors or \.onnx, found \.pt/],
    ["half an ONNX model", ["export", "--half", "--out", "x.onnx"], /--half is for model files, not for format onnx/],
  ])("%s", async (_, words, reason) => {
    expectRefusal(await cifar(words), 2, reason);
  });
});

describe("data that are not what they should be end with status 3 and one line", () => {
  it("a folder that is not there", async () => {
    expectRefusal(
      await cifar(["train", "--data", join(folder, "none")]),
      3,
      /folder of data.*: no such file or folder/,
    );
  });

  it("a file instead of a folder", async () => {
    expectRefusal(
      await cifar(["train", "--data", model]),
      3,
      `${model}: expected a folder of data, or the word shapes: it is a file`,
    );
  });

  it("a folder without data", async () => {
    const empty = join(folder, "empty");
    await mkdir(empty);
    expectRefusal(
      await cifar(["train", "--data", empty]),
      3,
      `${empty}: expected a subfolder of PNG or JPEG pictures for each class, or data_batch_1.bin and the other files of ` +
        `CIFAR-10's binary version (cifar data fetch --folder ${empty} downloads them), found neither`,
    );
    const fromEnvironment = await cifar(["data", "info"], { env: { CIFAR10_DIR: empty } });
    expectRefusal(fromEnvironment, 3, /\(CIFAR10_DIR\): data_batch_1\.bin .*; cifar data fetch --folder \S+ downloads/);
    expectRefusal(await cifar(["data", "info"]), 3, /\(the cache folder\): .*; cifar data fetch downloads/);
  });

  it("a file that is cut off: which, what was expected, what was found", async () => {
    const cut = join(folder, "cut");
    await mkdir(cut);
    await writeFile(join(cut, "data_batch_1.bin"), new Uint8Array(3073 * 100));
    const path = join(cut, "data_batch_1.bin");
    expectRefusal(
      await cifar(["eval", "--model", model, "--data", cut]),
      3,
      `${path}: expected 30730000 bytes, found 307300`,
    );
  });

  it("a file that is altered: which, what was expected, what was found", async () => {
    const altered = join(folder, "altered");
    await mkdir(altered);
    await writeFile(join(altered, "data_batch_1.bin"), new Uint8Array(30_730_000));
    const result = await cifar(["train", "--data", altered]);
    expectRefusal(result, 3, /data_batch_1\.bin: expected SHA-256 cee91656[0-9a-f]{56}, found [0-9a-f]{64}/);
  });
});

describe("a model file that is not one ends with status 3 and one line", () => {
  /** A safetensors file with this header, whatever its length says. */
  const file = (header: unknown, options: { length?: bigint; data?: number } = {}) => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(8 + text.length + (options.data ?? 8));
    new DataView(bytes.buffer).setBigUint64(0, options.length ?? BigInt(text.length), true);
    bytes.set(text, 8);
    return bytes;
  };
  const two = (a: object, b: object) =>
    file({ a: { dtype: "F32", shape: [1], ...a }, b: { dtype: "F32", shape: [1], ...b } });

  it.concurrent.each([
    ["cut off", () => good.subarray(0, 100_000)],
    ["cut off within its header", () => good.subarray(0, 50)],
    ["empty", () => new Uint8Array()],
    ["with a header longer than the file", () => file({}, { length: 1000n })],
    ["with a header of 2 GB", () => file({}, { length: 2n ** 31n })],
    ["with a header of 2^63 bytes", () => file({}, { length: 2n ** 63n })],
    ["with tensors that overlap", () => two({ data_offsets: [0, 4] }, { data_offsets: [2, 6] })],
    ["with a tensor that leaves it", () => two({ data_offsets: [0, 4] }, { data_offsets: [4, 4000] })],
    ["with an unknown type of values", () => two({ dtype: "F33", data_offsets: [0, 4] }, { data_offsets: [4, 8] })],
    ["with a shape that is not its size", () => two({ shape: [9], data_offsets: [0, 4] }, { data_offsets: [4, 8] })],
    ["of another network than it says", () => renamed()],
    ["that is text", () => new TextEncoder().encode("model: none of ours, but long enough to be one")],
    ["with a weight changed", () => good.with(good.length - 1, good.at(-1)! ^ 1)],
  ])("%s", async (name, make) => {
    const path = join(folder, `${name.replaceAll(/[ ^]/g, "-")}.safetensors`);
    await writeFile(path, make());
    expectRefusal(await cifar(["classify", "--model", path, join(folder, "good.png")]), 3, path);
  });

  /** The same bytes with one tensor's shape turned around in the header. */
  function renamed(): Uint8Array {
    const text = Buffer.from(good).toString("latin1").replace("[3,3,3,32]", "[32,3,3,3]");
    return Buffer.from(text, "latin1");
  }

  it.concurrent.each([
    ["a PNG picture", () => pngOf({ width: 32, height: 32, data: new Uint8Array(3072) })],
    ["a text", () => new TextEncoder().encode("# Notes\nnot a model\n")],
    ["an ONNX model", () => toOnnx(cifarCnn())],
    ["an empty file", () => new Uint8Array()],
  ])("that is %s, said as what it is and not from its inside", async (kind, make) => {
    const path = join(folder, `${kind.replaceAll(" ", "-")}.model`);
    await writeFile(path, make());
    const expected = `${path}: expected a model file (.safetensors) or the folder of a run, found ${kind}\n`;
    expectRefusal(await cifar(["info", "--model", path]), 3, expected);
  });

  it("that is a folder without a model", async () => {
    const path = await mkdtemp(join(folder, "no-run-"));
    const expected = `${path}: expected a model file (.safetensors) or the folder of a run: there is no model.safetensors in it`;
    expectRefusal(await cifar(["info", "--model", path]), 3, expected);
  });

  it("that is not there", async () => {
    const path = join(folder, "no-such-model");
    expectRefusal(await cifar(["eval", "--model", path, "--data", "shapes"]), 3, `${path}: expected a model file`);
  });

  it("of other classes than the data", async () => {
    expectRefusal(
      await cifar(["eval", "--model", model, "--data", "shapes"]),
      2,
      /the model tells airplane.* holds circle/,
    );
  });
});

describe("a picture that is none ends with status 3 and one line", () => {
  it.each([
    ["text", () => new TextEncoder().encode("not a picture"), /expected a PNG or JPEG picture, found a text/],
    ["safetensors", () => good, /expected a PNG or JPEG picture, found a safetensors file/],
    [
      "of 100,000 × 100,000 pixels in 200 bytes",
      () => pngFile({ header: { width: 100_000, height: 100_000, depth: 8, colourType: 6 }, rows: [0] }),
      /100000×100000 pixels are more than the 50000000 allowed/,
    ],
    ["cut off", () => pngOf({ width: 40, height: 40, data: new Uint8Array(4800) }).subarray(0, 60), /cut off/],
  ])("%s, named by classify and by explain", async (name, make, reason) => {
    const path = join(folder, `${name.slice(0, 4)}.png`);
    await writeFile(path, make());
    for (const command of ["classify", "explain"]) {
      const result = await cifar([command, "--model", model, path], { cwd: folder });
      expectRefusal(result, 3, reason);
      expect(result.stderr).toContain(`cifar: ${path}: `);
    }
  });

  it("and does not keep the others from being classified", async () => {
    const words = ["classify", "--json", "--model", model, join(folder, "none.png"), join(folder, "good.png")];
    const { status, stdout, stderr } = await cifar(words);
    expect(status).toBe(3);
    expect(stderr).toBe(`cifar: ${join(folder, "none.png")}: no such file or folder\n`);
    expect(JSON.parse(stdout)).toMatchObject([{ file: join(folder, "good.png") }]);
  });
});

describe("what cannot be written ends with status 4 and one line", () => {
  it("a run's folder where a file is in the way, before anything is trained", async () => {
    const path = join(folder, "a-file");
    await writeFile(path, "in the way");
    const result = await cifar(["train", "--data", "shapes", "--out", join(path, "run")]);
    expectRefusal(result, 4, /cannot write to \S+a-file\/run: a part of the path is a file, not a folder/);
    const same = await cifar(["train", "--data", "shapes", "--out", path]);
    expectRefusal(same, 4, `cannot write to ${path}: a file of that name is there already`);
    expect(await readFile(path, "utf8")).toBe("in the way");
  });

  it("an exported model into a folder that takes no files", async () => {
    const result = await cifar(["export", "--model", model, "--out", "/proc/export.safetensors"]);
    expectRefusal(result, 4, /^cifar: cannot write to \/proc\/export\.safetensors: /);
  });

  it("a folder with a run in it is not written over", async () => {
    const run = join(folder, "run");
    await mkdir(run);
    await writeFile(join(run, "model.safetensors"), "precious");
    const result = await cifar(["train", "--data", "shapes", "--out", run]);
    expectRefusal(result, 2, /holds a run already \(model\.safetensors\)/);
    expect(await readFile(join(run, "model.safetensors"), "utf8")).toBe("precious");
    expect(await readdir(run)).toEqual(["model.safetensors"]);
  });

  it("drawn pictures over a data set that is there: which file", async () => {
    const path = await mkdtemp(join(folder, "data-"));
    await writeFile(join(path, "test_batch.bin"), "precious");
    const result = await cifar(["data", "shapes", "--out", path, "--train", "10", "--test", "10"]);
    expectRefusal(result, 4, `cannot write to ${join(path, "test_batch.bin")}: a file of that name is there already`);
    expect(await readFile(join(path, "test_batch.bin"), "utf8")).toBe("precious");
    expect(await readdir(path)).toEqual(["test_batch.bin"]);
  });

  it("a checkpoint on a full disk (skipped where no small disk can be mounted)", async (test) => {
    const disk = smallDisk();
    if (disk === undefined) return test.skip("mounting a disk of 512 KiB takes Linux and root");
    try {
      const data = join(folder, "few");
      await cifar(["data", "shapes", "--out", data, "--train", "40", "--test", "10"]);
      const run = join(disk.path, "run");
      const result = await cifar(["train", "--data", data, "--epochs", "1", "--out", run, "--quiet"]);
      expectRefusal(result, 4, /cannot write to \S+checkpoint\.safetensors: the disk is full/);
      // No half-written file is left to be taken for a whole one.
      expect((await readdir(run)).filter((name) => name !== "run.json" && name !== "log.jsonl")).toEqual([]);
    } finally {
      disk.remove();
    }
  });
});

describe("no network ends with status 6 and one line", () => {
  it("when fetching the data", async () => {
    const cache = join(folder, "cache");
    expectRefusal(
      await cifar(["data", "fetch", "--quiet"], { env: { CIFAR_CACHE: cache } }),
      6,
      /127\.0\.0\.1:1\/none: .*bytes are kept/,
    );
  });
});

/** A disk of 512 KiB, where this process may mount one. */
function smallDisk(): { path: string; remove(): void } | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
  const path = mkdtempSync(join(tmpdir(), "cifar-disk-"));
  const run = (program: string, ...words: string[]) => execFileSync(program, words, { stdio: "ignore" });
  try {
    run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", path);
  } catch {
    rmdirSync(path);
    return undefined;
  }
  return {
    path,
    remove: () => {
      run("umount", path);
      rmdirSync(path);
    },
  };
}
