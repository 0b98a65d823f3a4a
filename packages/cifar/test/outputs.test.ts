import { execFileSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { chmod, lstat, mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conv2d, decodeSafetensors, flatten, linear, loadModel, maxPool2d, Sequential } from "@cifar/cnn";
import { readModelFile, writeModelFile } from "@cifar/cnn/node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { writeBinaryFolder } from "../src/dataset/binary-folder.js";
import { shapesSplits } from "../src/dataset/shapes.js";
import { decodePicture } from "../src/picture/decode.js";
import { recipeOf } from "../src/recipes.js";
import { runTraining } from "../src/training/run.js";
import { createRunFolder } from "../src/training/run-folder.js";
import { type CommandOptions, type CommandResult, cifar } from "./command.js";
import { pngOf } from "./pictures.js";

/** Every device and link stands in a folder of its own: a mistake in what is tested must not cost a machine its own. */
let root: string;
let folder: string;
let model: string;
let picture: string;
let data: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cifar-outputs-"));
  model = join(root, "model.safetensors");
  picture = join(root, "picture.png");
  // Other sizes than CIFAR-10's.
  const layers = [conv2d({ filters: 4, kernel: 3 }), maxPool2d({ size: 7 }), flatten(), linear({ outputs: 3 })];
  const network = new Sequential({ input: [16, 16, 3], layers }).initialise({ method: "pytorch", seed: 1 });
  const normalisation = { mean: [0.5, 0.5, 0.5], deviation: [0.2, 0.2, 0.2] };
  await writeModelFile(model, network, { classes: ["a", "b", "c"], normalisation });
  await writeFile(picture, pngOf({ width: 16, height: 16, data: new Uint8Array(768).map((_, index) => index) }));
  data = join(root, "data");
  await writeBinaryFolder(data, shapesSplits({ train: 40, test: 10 }));
  await chmod(root, 0o755);
});

beforeEach(async () => {
  folder = await mkdtemp(join(root, "case-"));
  await chmod(folder, 0o755);
});

afterAll(() => rm(root, { recursive: true, force: true }));

const explainTo = (out: string, options: CommandOptions = {}, ...more: string[]): Promise<CommandResult> =>
  cifar(["explain", "--model", model, "--out", out, ...more, picture], options);
const exportTo = (out: string, options: CommandOptions = {}, ...more: string[]): Promise<CommandResult> =>
  cifar(["export", "--model", model, "--out", out, ...more], options);

/** Two pictures of 160 pixels and the frame around them. */
const isExplanation = (bytes: Uint8Array) => expect(decodePicture(bytes)).toMatchObject({ width: 338, height: 172 });

describe.skipIf(process.platform === "win32")("what --out names (skipped on Windows, which has other links)", () => {
  it("is written through a link, which stays", async () => {
    await mkdir(join(folder, "real"));
    await symlink(join("real", "out.png"), join(folder, "out.png"));
    expect(await explainTo(join(folder, "out.png"))).toMatchObject({ status: 0 });
    expect((await lstat(join(folder, "out.png"))).isSymbolicLink()).toBe(true);
    isExplanation(await readFile(join(folder, "real", "out.png")));
  });

  it("stays a device (skipped where none can be made)", async (test) => {
    const device = join(folder, "device");
    try {
      execFileSync("mknod", [device, "c", "1", "3"], { stdio: "ignore" });
      await (await open(device, "r+")).close();
    } catch {
      return test.skip("to make a device node takes root");
    }
    expect(await explainTo(device)).toMatchObject({ status: 0, stderr: "" });
    expect(await exportTo(device, {}, "--format", "onnx")).toMatchObject({ status: 0, stderr: "" });
    expect(lstatSync(device).isCharacterDevice()).toBe(true);
    expect(await readdir(folder)).toEqual(["device"]);
  });

  it("stays a pipe, whose reader gets all", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [bytes, result] = await Promise.all([readFile(pipe), explainTo(pipe)]);
    expect(result.status, result.stderr).toBe(0);
    isExplanation(bytes);
    expect((await lstat(pipe)).isFIFO()).toBe(true);
  });

  it("is standard output where it is -, and what the command says goes to stderr", async () => {
    const explained = await explainTo("-", { cwd: folder });
    isExplanation(explained.bytes);
    expect(explained.stderr).toMatch(/^\S+picture\.png: [abc] .*: standard output\n$/);
    const exported = await exportTo("-", { cwd: folder }, "--json");
    expect([...decodeSafetensors(exported.bytes).tensors.keys()]).toContain("0.weight");
    expect(JSON.parse(exported.stderr)).toMatchObject({ file: "-", bytes: exported.bytes.length });
    const quiet = await exportTo("-", { cwd: folder }, "--quiet", "--format", "model");
    expect(loadModel(quiet.bytes).card.classes).toEqual(["a", "b", "c"]);
    expect(quiet.stderr).toBe("");
    expect(await readdir(folder)).toEqual([]);
  });

  it("is standard output too where it is another name of that", async () => {
    // As /dev/stdout is; a link of this test's own, since that one must not be put at risk.
    await symlink("/proc/self/fd/1", join(folder, "stdout"));
    const result = await explainTo(join(folder, "stdout"));
    isExplanation(result.bytes);
    expect(result.stderr).toMatch(/: standard output\n$/);
    expect((await lstat(join(folder, "stdout"))).isSymbolicLink()).toBe(true);
  });

  it("and a run's files that are links stay links", async () => {
    const settings = { recipe: recipeOf("paper", { epochs: 1 }), seed: 0 };
    const files = await createRunFolder(join(folder, "run"), settings);
    await mkdir(join(folder, "disk"));
    const names = ["checkpoint.safetensors", "model.safetensors", "log.jsonl", "report.html", "report.md", "report"];
    await mkdir(join(folder, "disk", "report"));
    for (const name of names) await symlink(join("..", "disk", name), join(folder, "run", name));
    await runTraining({
      ...{ files, settings, data: shapesSplits({ train: 40, test: 10 }), threads: 1 },
      onEvent: () => {},
      onNotice: () => {},
    });
    for (const name of names) expect((await lstat(join(folder, "run", name))).isSymbolicLink(), name).toBe(true);
    expect((await readdir(join(folder, "disk"))).sort()).toEqual(names.sort());
    expect((await readModelFile(join(folder, "disk", "model.safetensors"))).card.classes).toHaveLength(10);
  });
});

describe("a name after --out", () => {
  it("of another kind of picture than explain writes is refused before anything is done, naming the kind", async () => {
    const result = await explainTo(join(folder, "x.jpg"));
    expect(result).toMatchObject({ status: 2, stdout: "" });
    expect(result.stderr).toBe(`cifar: ${join(folder, "x.jpg")}: expected a name that ends in .png, found .jpg\n`);
    expect(await readdir(folder)).toEqual([]);
    expect(await explainTo(join(folder, "x.PNG"))).toMatchObject({ status: 0 });
  });
});

describe("export", () => {
  it("says the sizes of the model that it wrote", async () => {
    const onnx = await exportTo(join(folder, "m.onnx"));
    expect(onnx.stdout).toMatch(
      /bytes, ONNX model: input \[batch, 3, 16, 16\] normalised, output logits \[batch, 3\]\n$/,
    );
    const torch = await exportTo(join(folder, "m.safetensors"));
    expect(torch.stdout).toMatch(/state dict for nn\.Sequential: 4 tensors, pictures \[batch, 3, 16, 16\]\n$/);
    const own = await exportTo(join(folder, "m"), {}, "--format", "model");
    expect(own.stdout).toMatch(/model file for --model: pictures \[16, 16, 3\], 163 parameters\n$/);
    const { stdout } = await exportTo(join(folder, "j.onnx"), {}, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ input: [16, 16, 3], outputs: [3] });
    expect((await cifar(["export", "--help"])).stdout).not.toContain("32,");
  });

  it("reads what it is about to write, and writes nothing that is not the model again", async () => {
    const { model: network, card } = await readModelFile(model);
    // More than float16 holds: infinity in the file, which no reader takes.
    network.parameters.get("0.weight")!.data[0] = 1e6;
    const large = join(folder, "large.safetensors");
    await writeModelFile(large, network, card);
    const words = ["export", "--model", large, "--half", "--out", join(folder, "half.safetensors")];
    const { status, stdout, stderr } = await cifar(words);
    expect(status).not.toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^cifar: [^\n]+\n$/);
    expect(await readdir(folder)).toEqual(["large.safetensors"]);
  });
});

/** A user that owns nothing; as root the command is run as that one, since root may write everywhere. */
const NOBODY = { uid: 65_534, gid: 65_534 };

describe.skipIf(process.platform === "win32")("a folder that is read-only (skipped on Windows)", () => {
  const asUser = process.getuid?.() === 0 ? NOBODY : {};

  it("is called one, also where the folder to be made would be in it", async (test) => {
    const locked = join(folder, "locked");
    await mkdir(locked);
    await writeFile(join(locked, "old.png"), "old");
    await chmod(locked, 0o555);
    const probe = await cifar(["--version"], asUser);
    if (probe.status !== 0) return test.skip("the command is where another user may not read it");
    const refused = (path: string, why: string) => `cifar: cannot write to ${path}: ${why}\n`;
    const out = join(locked, "x.png");
    expect(await explainTo(out, asUser)).toMatchObject({ status: 4, stderr: refused(out, "the folder is read-only") });
    const old = join(locked, "old.png");
    expect(await explainTo(old, asUser)).toMatchObject({ status: 4, stderr: refused(old, "the file is read-only") });
    for (const [run, why] of [
      [join(locked, "run"), "the folder is read-only"],
      [join(locked, "deep", "run"), `the folder ${locked} is read-only`],
    ] as const) {
      const result = await cifar(["train", "--data", data, "--out", run], asUser);
      expect(result).toMatchObject({ status: 4, stderr: refused(run, why) });
    }
    const drawn = join(locked, "data");
    const made = await cifar(["data", "shapes", "--out", drawn, "--train", "10", "--test", "10"], asUser);
    expect(made).toMatchObject({ status: 4, stderr: refused(drawn, "the folder is read-only") });
    expect(await readFile(old, "utf8")).toBe("old");
    expect(await readdir(locked)).toEqual(["old.png"]);
  });

  it("is called one on a disk that is mounted so, by root too (skipped where none can be mounted)", async (test) => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      return test.skip("mounting takes Linux and root");
    }
    try {
      const out = join(disk, "x.png");
      expect((await explainTo(out)).stderr).toBe(`cifar: cannot write to ${out}: the folder is read-only\n`);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it.skipIf(process.platform !== "linux")(
    "that makes no folders is no reason to wait (skipped beside Linux)",
    async () => {
      const result = await cifar(["train", "--data", data, "--out", "/proc/nope/run"]);
      expect(result).toMatchObject({ status: 4, stdout: "" });
      expect(result.stderr).toMatch(/^cifar: cannot write to \/proc\/nope\/run: [^\n]+\n$/);
    },
  );
});
