import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors } from "@cifar/cnn";
import { readCheckpointFile, readModelFile } from "@cifar/cnn/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shapes, shapesSplits } from "../src/dataset/shapes.js";
import { decodePicture } from "../src/picture/decode.js";
import { recipes } from "../src/recipes.js";
import { runTraining } from "../src/training/run.js";
import { createRunFolder } from "../src/training/run-folder.js";
import { cifar10Directory } from "./cifar10-directory.js";
import { COMMIT, cifar, jsonLines } from "./command.js";
import { pngOf } from "./pictures.js";

/** A small set of drawn pictures in CIFAR's binary format. */
let data: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-train-"));
  data = join(folder, "data");
  const made = await cifar(["data", "shapes", "--out", data, "--train", "140", "--test", "30", "--json"]);
  expect(JSON.parse(made.stdout)).toEqual({ folder: data, train: 140, test: 30, seed: 0 });
});

afterAll(() => rm(folder, { recursive: true }));

describe("cifar train", () => {
  let run: string;
  let events: Record<string, unknown>[];

  beforeAll(async () => {
    run = join(folder, "run");
    const { stdout, stderr, status } = await cifar([
      ...["train", "--data", data, "--epochs", "2", "--batch", "32", "--seed", "5", "--out", run, "--json"],
    ]);
    expect(status, stderr).toBe(0);
    events = jsonLines(stdout);
  });

  it("tells events as JSON, one a line", () => {
    expect(events.map(({ type }) => type)).toEqual([
      ...["start", "step", "step", "step", "step", "epoch", "step", "step", "step", "step", "epoch", "test", "end"],
    ]);
    expect(events[0]).toMatchObject({
      recipe: "paper",
      seed: 5,
      data: { train: 126, validation: 14, test: 30 },
      steps: 8,
      parameters: 143_018,
    });
    for (const epoch of events.filter(({ type }) => type === "epoch")) {
      for (const name of ["epoch", "trainLoss", "validationAccuracy", "imagesPerSecond", "seconds"]) {
        expect(epoch[name], name).toBeTypeOf("number");
      }
    }
    const end = events.at(-1);
    expect(end).toMatchObject({ model: join(run, "model.safetensors"), report: join(run, "report.html") });
    expect(end?.["testAccuracy"]).toBeTypeOf("number");
    for (const name of ["seconds", "flipAveraged", "calibrationError"]) expect(end?.[name], name).toBeTypeOf("number");
    const [low, high] = (end?.["interval"] ?? []) as readonly number[];
    expect(low).toBeLessThan(end?.["testAccuracy"] as number);
    expect(high).toBeGreaterThan(end?.["testAccuracy"] as number);
  });

  it("leaves a model, a checkpoint, a log and reports, and nothing else", async () => {
    expect((await readdir(run)).sort()).toEqual([
      ...["checkpoint.safetensors", "log.jsonl", "model.safetensors", "report", "report.html", "report.md", "run.json"],
    ]);
    expect((await readdir(join(run, "report"))).sort()).toEqual([
      ...["accuracy.svg", "filters.png", "loss.svg", "mistakes.png", "reliability.svg"],
    ]);
    expect(jsonLines(await readFile(join(run, "log.jsonl"), "utf8"))).toEqual(events);
  });

  it("leaves a model that answers for itself", async () => {
    const { card, digest } = await readModelFile(join(run, "model.safetensors"));
    expect(digest).toBe(events.at(-1)?.["digest"]);
    expect(card.training).toMatchObject({
      seed: 5,
      commit: COMMIT,
      recipe: { name: "paper", training: { epochs: 2, batchSize: 32 } },
      data: { pictures: 126, digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(card.accuracy).toMatchObject({ total: 30, accuracy: events.at(-1)?.["testAccuracy"] });
    const epochs = events.filter(({ type }) => type === "epoch");
    expect(card.training?.["curve"]).toEqual(
      epochs.map(({ epoch, trainLoss, validationLoss, validationAccuracy }) => {
        return { epoch, trainLoss, validationLoss, validationAccuracy };
      }),
    );
    expect(card.accuracy?.["calibration"]).toMatchObject({
      temperature: "none, since fewer than 100 pictures were held out",
      errorAfter: events.at(-1)?.["calibrationError"],
    });
    const confusion = card.accuracy?.["confusion"] as number[][] | undefined;
    expect(confusion?.flat().reduce((sum, count) => sum + count)).toBe(30);
  });

  it("eval finds the accuracy that the model claims", async () => {
    const { stdout } = await cifar(["eval", "--model", run, "--data", data, "--json"]);
    const result = JSON.parse(stdout) as { accuracy: number; confusion: number[][]; perClass: { label: string }[] };
    const end = events.at(-1)!;
    const { card } = await readModelFile(join(run, "model.safetensors"));
    expect(result).toMatchObject({
      accuracy: end["testAccuracy"],
      total: 30,
      interval: end["interval"],
      flipAveraged: { accuracy: end["flipAveraged"], total: 30 },
      calibration: {
        before: { temperature: 1 },
        after: { temperature: card.temperature, error: end["calibrationError"] },
      },
    });
    expect(result.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(30);
    expect(result.perClass.map(({ label }) => label)).toContain("triangle");
  });

  it("classify gives every picture a label and all probabilities, also from standard input", async () => {
    const bytes = pngOf({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3).fill(200) });
    const path = join(folder, "grey.png");
    await writeFile(path, bytes);
    const { stdout, status } = await cifar(["classify", "--model", run, "--json", path, "-"], { input: bytes });
    expect(status).toBe(0);
    const answers = JSON.parse(stdout) as {
      file: string;
      label: string;
      confidence: number;
      classes: { probability: number }[];
    }[];
    expect(answers.map(({ file }) => file)).toEqual([path, "-"]);
    for (const { confidence, classes } of answers) {
      expect(classes).toHaveLength(10);
      expect(classes[0]?.probability).toBe(confidence);
      expect(classes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    }
  });

  it("export writes what PyTorch's nn.Sequential loads", async () => {
    const path = join(folder, "pytorch.safetensors");
    const { stdout } = await cifar(["export", "--model", run, "--out", path, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ file: path, format: "safetensors" });
    const { tensors } = decodeSafetensors(await readFile(path));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toContainEqual(["3.weight", [32, 32, 3, 3]]);
    expect(tensors.get("13.weight")?.shape).toEqual([10, 7744]);
  });

  it("export writes ONNX with every weight in it where the name ends in .onnx", async () => {
    const path = join(folder, "model.onnx");
    const { stdout } = await cifar(["export", "--model", run, "--out", path, "--json"]);
    const bytes = await readFile(path);
    expect(JSON.parse(stdout)).toMatchObject({ format: "onnx", bytes: bytes.length });
    expect(bytes.length).toBeGreaterThan(143_018 * 4);
    expect(bytes.includes("logits")).toBe(true);
  });

  it("export writes the format that is named, whatever the file is called", async () => {
    const [path, endless] = [join(folder, "weights.onnx"), join(folder, "weights")];
    const { stdout } = await cifar(["export", "--model", run, "--format", "model", "--out", path, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ file: path, format: "model" });
    expect((await readModelFile(path)).digest).toBe(events.at(-1)?.["digest"]);
    const unnamed = await cifar(["export", "--model", run, "--out", endless, "--json"]);
    expect(JSON.parse(unnamed.stdout)).toMatchObject({ file: endless, format: "safetensors" });
  });

  it("info describes the model and the machine", async () => {
    const model = JSON.parse((await cifar(["info", "--model", run, "--json"])).stdout);
    expect(model).toMatchObject({ parameters: 143_018, digest: events.at(-1)?.["digest"] });
    const machine = JSON.parse((await cifar(["info", "--json"])).stdout);
    expect(machine).toMatchObject({ node: process.version, cifar10: null, cacheFolder: "/nonexistent/cifar" });
    expect(machine.recipes.map(({ name }: { name: string }) => name)).toContain("paper");
  });

  it("writes a report that needs no other file and no network", async () => {
    const html = await readFile(join(run, "report.html"), "utf8");
    expect(html).not.toMatch(/https?:|<script|<link|url\(|src="(?!data:)/);
    // Three charts, 20 samples and 32 filters at least.
    expect(html.match(/<svg/g)).toHaveLength(3);
    expect(html.match(/<img/g)!.length).toBeGreaterThan(52);
    const markdown = await readFile(join(run, "report.md"), "utf8");
    expect(markdown).toMatch(/\| 2 \| \d\.\d{4} \|/);
    const pictures = [...markdown.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, path]) => path!);
    expect(pictures).toHaveLength(5);
    for (const path of pictures) {
      const bytes = await readFile(join(run, path));
      // A picture of its own, in its colours: no style sheet of a page is there to help.
      if (path.endsWith(".svg")) expect(bytes.toString()).toMatch(/^<svg xmlns="[^"]+" .*?><style>[^<]*--series-1/s);
      else expect(decodePicture(bytes).width).toBeGreaterThan(100);
    }
  });

  it("says nothing but the result when quiet", async () => {
    const { stdout, stderr } = await cifar([
      "train",
      "--data",
      data,
      "--epochs",
      "1",
      "--limit",
      "32",
      "--quiet",
      "--out",
      join(folder, "quiet"),
    ]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^test accuracy \d+\.\d\d % \(\d+ of 30, 95 % interval [^)]+\)\n( {2}.*\n){12}model .*model\.safetensors\nreport .*report\.html\n$/,
    );
  });
});

describe("a run that was broken off", () => {
  const flags = () => ["--data", data, "--epochs", "6", "--batch", "32"];
  let digest: unknown;

  beforeAll(async () => {
    const { stdout } = await cifar(["train", ...flags(), "--out", join(folder, "whole"), "--json"]);
    digest = jsonLines(stdout).at(-1)?.["digest"];
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it("by Ctrl-C writes a checkpoint, says how to go on, and goes on to the same bytes", async () => {
    const run = join(folder, "interrupted");
    const stopped = await cifar(["train", ...flags(), "--out", run, "--json"], {
      onLine: (line, kill) => {
        if (line.startsWith('{"type":"step","step":6,')) kill("SIGINT");
      },
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toContain(`go on with: cifar train --resume ${run}`);
    const stop = jsonLines(stopped.stdout).at(-1);
    expect(stop).toMatchObject({ type: "stop", checkpoint: join(run, "checkpoint.safetensors") });
    expect((await readCheckpointFile(join(run, "checkpoint.safetensors"))).step).toBe(stop?.["step"]);

    const resumed = await cifar(["train", "--resume", run, "--json"]);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(jsonLines(resumed.stdout)[0]).toMatchObject({ type: "start", step: stop?.["step"] });
    expect(jsonLines(resumed.stdout).at(-1)?.["digest"]).toBe(digest);
    const [whole, again] = await Promise.all(
      ["whole", "interrupted"].map((name) => readFile(join(folder, name, "model.safetensors"))),
    );
    expect(again!.equals(whole!)).toBe(true);
    // Each step is in the log once, as if nothing had happened.
    const log = jsonLines(await readFile(join(run, "log.jsonl"), "utf8")).filter(({ type }) => type === "step");
    expect(log.map(({ step }) => step)).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
  });

  it("by one Ctrl-C that arrives twice, as it may under npm, has its checkpoint all the same", async () => {
    let sent = 0;
    const { status, stderr } = await cifar(["train", ...flags(), "--out", join(folder, "twice"), "--json"], {
      onLine: (line, kill) => {
        if (!line.includes('"type":"step"') || sent++ > 0) return;
        kill("SIGINT");
        setTimeout(() => kill("SIGINT"), 20);
      },
    });
    expect(status).toBe(130);
    expect(stderr).toContain("go on with");
  });

  it("cannot go on with other data than it began with", async () => {
    const run = join(folder, "whole");
    const settings = JSON.parse(await readFile(join(run, "run.json"), "utf8"));
    await writeFile(join(run, "run.json"), JSON.stringify({ ...settings, limit: 100 }));
    const { status, stderr } = await cifar(["train", "--resume", run]);
    expect(status).toBe(3);
    expect(stderr.trim().split("\n").at(-1)).toMatch(/^cifar: .*(data|pictures)/);
  });

  it("without a checkpoint is told apart from one that can go on", async () => {
    const { status, stderr } = await cifar(["train", "--resume", folder]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/there is no run\.json in it/);
  });
});

describe("training that runs into NaN", () => {
  it("ends with status 5, naming the step and the layer", async () => {
    const { status, stderr } = await cifar([
      "train",
      "--data",
      data,
      "--lr",
      "1e30",
      "--batch",
      "32",
      "--out",
      join(folder, "nan"),
      "--quiet",
    ]);
    expect(status).toBe(5);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/step \d+.*layer \d+/);
  });

  it("leaves the last good checkpoint as it is", async () => {
    const paper = recipes["paper"]!;
    // The rate is 0 in the first epoch's only step and far too high in the second one's.
    const recipe = {
      ...paper,
      training: {
        ...paper.training,
        epochs: 2,
        optimiser: { learningRate: 1e30 },
        schedule: { type: "triangular", peakAt: 1, start: 0, end: 0 },
      },
    } as const;
    const settings = { recipe, seed: 0 };
    const files = await createRunFolder(join(folder, "late-nan"), settings);
    const splits = shapesSplits({ train: 70, test: 10 });
    const run = runTraining({ files, settings, data: splits, onEvent: () => {}, onNotice: () => {} });
    await expect(run).rejects.toMatchObject({ code: "NOT_FINITE" });
    const checkpoint = await readCheckpointFile(files.checkpoint);
    expect(checkpoint.step).toBe(1);
    for (const values of checkpoint.parameters.values()) expect(values.every(Number.isFinite)).toBe(true);
    expect(existsSync(files.model)).toBe(false);
  });
});

describe("a folder of pictures", () => {
  it("is a data set whose subfolders are the classes, whatever their names", async () => {
    const root = join(folder, "pictures");
    const drawn = shapes({ count: 60 });
    const names = ["<b>bold</b>", "plain"];
    for (const [index, name] of names.entries()) {
      const sub = join(root, name.replaceAll("/", "_"));
      await mkdir(sub, { recursive: true });
      for (let n = 0; n < 15; n++) {
        const picture = drawn.images.slice((n * 2 + index) * 3072, (n * 2 + index + 1) * 3072);
        await writeFile(join(sub, `${n}.png`), pngOf({ width: 32, height: 32, data: picture }));
      }
    }
    await writeFile(join(root, "plain", "broken.png"), "not a picture");
    const run = join(folder, "pictures-run");
    const { status, stdout, stderr } = await cifar(["train", "--data", root, "--epochs", "1", "--json", "--out", run]);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/left out: .*broken\.png: expected a PNG or JPEG/);
    expect(jsonLines(stdout)[0]).toMatchObject({ data: { train: 22, validation: 2, test: 6 } });
    const { model, card } = await readModelFile(join(run, "model.safetensors"));
    expect(model.outputShape).toEqual([2]);
    expect(card.classes).toEqual(["<b>bold<_b>", "plain"]);
    const html = await readFile(join(run, "report.html"), "utf8");
    expect(html).not.toContain("<b>bold");
    expect(html).toContain("&lt;b&gt;bold");
  });
});

describe("cifar data info", () => {
  it("says that all files are right only where none is left out, and which ones are", async () => {
    const root = join(folder, "mixed");
    const picture = pngOf({ width: 32, height: 32, data: new Uint8Array(3072) });
    for (const name of ["one", "other"]) {
      await mkdir(join(root, name), { recursive: true });
      for (let n = 0; n < 5; n++) await writeFile(join(root, name, `${n}.png`), picture);
    }
    // A file system's own files are no data.
    await writeFile(join(root, "one", ".DS_Store"), "");
    const complete = await cifar(["data", "info", "--data", root]);
    expect(complete.stderr).toBe("");
    expect(complete.stdout.split("\n")[0]).toBe(`${root}: all files that are there are right`);

    await writeFile(join(root, "one", "notes.txt"), "");
    await writeFile(join(root, "one", "moving.gif"), "GIF89a");
    await writeFile(join(root, "other", "broken.png"), "GIF89a");
    const { stdout, stderr, status } = await cifar(["data", "info", "--data", root]);
    expect(status).toBe(0);
    expect(stdout.split("\n")[0]).toBe(`${root}: some files are left out, the others are right`);
    expect(stdout).toMatch(/^total +8 +2$/m);
    const expected = [
      `left out: ${join(root, "one")}: all but files named .png, .jpg or .jpeg (2)`,
      `left out: ${join(root, "other", "broken.png")}: expected a PNG or JPEG picture, found a GIF`,
    ];
    expect(stderr.trim().split("\n")).toEqual(expected);
    const { stdout: json } = await cifar(["data", "info", "--data", root, "--json", "--quiet"]);
    expect(JSON.parse(json)).toMatchObject({ directory: root, leftOut: expected });
  });

  it("claims nothing of files where pictures are drawn, nor of CIFAR-10's where a set has fewer", async () => {
    expect((await cifar(["data", "info", "--data", "shapes"])).stdout).toMatch(/^shapes: drawn on demand\n/);
    const { stdout } = await cifar(["data", "info", "--data", data]);
    expect(stdout.split("\n")[0]).toBe(`${data}: all files that are there are right`);
  });
});

describe("cifar start", () => {
  it("without data and network says so in one line and does the same with shapes", async () => {
    const { status, stdout, stderr } = await cifar(["start", "--limit", "64"], { cwd: folder });
    expect(status, stderr).toBe(0);
    expect(stderr.split("\n")[0]).toMatch(
      /^no CIFAR-10 here and none to be had \(.*\): .*shapes; for CIFAR-10 run cifar data fetch/,
    );
    expect(stderr).toContain("shapes train: 64 training, 64 validation, 64 test pictures");
    expect(stdout).not.toContain("CIFAR");
    expect(stdout).toMatch(/report {2}runs\/paper-seed0-[\d-]+\/report\.html/);
    expect(stdout).toMatch(/test picture 4 \(cross\)/);
  });

  it.skipIf(cifar10Directory === undefined)(
    "trains on real CIFAR-10 where it is (skipped without it: set CIFAR10_DIR)",
    async () => {
      const { status, stdout, stderr } = await cifar(["start", "--limit", "64", "--json"], {
        cwd: folder,
        env: { CIFAR10_DIR: cifar10Directory! },
      });
      expect(status, stderr).toBe(0);
      expect(jsonLines(stdout)[0]).toMatchObject({ type: "start", data: { name: "CIFAR-10 train", test: 64 } });
    },
  );
});
