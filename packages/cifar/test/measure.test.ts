import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate, predictLogits, subset } from "@cifar/cnn";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shapes } from "../src/dataset/shapes.js";
import { recipeOf } from "../src/recipes.js";
import { reliabilityChart } from "../src/report/reliability-chart.js";
import { answersOf } from "../src/report/report.js";
import { commitOfSources } from "../src/training/commit.js";
import { measure } from "../src/training/measure.js";
import { chooseTemperature } from "../src/training/run.js";
import { networkFor } from "../src/training/settings.js";

const normalisation = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
const inference = { normalisation, threads: 1 };
const recipe = recipeOf("paper");
const model = networkFor(recipe, 10, 0);
const pictures = shapes({ count: 100 });

describe("what is measured", () => {
  it("has the plain accuracy as its headline and flip averaging beside it, as evaluate finds both", async () => {
    const test = subset(pictures, 0, 50);
    const measurement = await measure(model, test, { ...inference, temperature: 2 });
    expect(measurement.evaluation).toEqual(await evaluate(model, test, inference));
    expect(await evaluate(model, test, { ...inference, flip: true })).toMatchObject(measurement.flipAveraged);
    expect(measurement.calibrated.temperature).toBe(2);
    expect(measurement.uncalibrated.loss).toBeCloseTo(measurement.evaluation.loss, 6);
    const answers = answersOf({ measurement, test });
    expect(answers.filter(({ right }) => right)).toHaveLength(measurement.evaluation.correct);
    const confidence = answers.reduce((sum, answer) => sum + answer.confidence, 0);
    const inBins = measurement.calibrated.bins.reduce((sum, bin) => sum + bin.confidence * bin.count, 0);
    expect(confidence).toBeCloseTo(inBins, 5);
  });
});

describe("a model's temperature", () => {
  const choose = (settings: { recipe: typeof recipe; seed: number }, validation: typeof pictures | undefined) =>
    chooseTemperature((dataset) => predictLogits(model, dataset, inference), { settings, validation });

  it("is fitted on held-out pictures, where it has a lower loss than 1", async () => {
    const { value, source } = await choose({ recipe, seed: 0 }, pictures);
    expect(source).toBe("fitted on 100 held-out training pictures");
    const { uncalibrated, calibrated } = await measure(model, pictures, { ...inference, temperature: value });
    expect(calibrated.loss).toBeLessThan(uncalibrated.loss);
  });

  it("is the recipe's where no pictures are held out, and 1 where it has none or too few", async () => {
    expect(await choose({ recipe: { ...recipe, temperature: 1.25 }, seed: 0 }, undefined)).toMatchObject({
      value: 1.25,
    });
    expect(await choose({ recipe, seed: 0 }, undefined)).toMatchObject({ value: 1 });
    expect(await choose({ recipe, seed: 0 }, subset(pictures, 0, 99))).toMatchObject({ value: 1 });
  });
});

describe("the reliability diagram", () => {
  it("has a column as high as the accuracy for each bin with answers, and none elsewhere", () => {
    const bin = (index: number, count: number, accuracy: number) => {
      return { from: index / 4, to: (index + 1) / 4, count, accuracy, confidence: (index + 0.5) / 4 };
    };
    const bins = [bin(0, 0, 0), bin(1, 2, 0.5), bin(2, 0, 0), bin(3, 4, 1)];
    const calibration = { temperature: 1, error: 0.1, loss: 1, bins };
    const svg = reliabilityChart({ before: calibration, after: calibration });
    const heights = [...svg.matchAll(/class="column"[^>]* height="([\d.]+)"/g)].map(([, height]) => Number(height));
    expect(heights).toHaveLength(2);
    expect(heights[1]! / heights[0]!).toBeCloseTo(2, 5);
    expect(svg.match(/<circle/g)).toHaveLength(2);
  });
});

describe("the commit that a run keeps", () => {
  afterEach(() => vi.unstubAllEnvs());
  const id = "89abcdef0123456789abcdef0123456789abcdef";

  it("is read from the repository: from the branch's file, from packed references, or from HEAD itself", async () => {
    vi.stubEnv("CIFAR_COMMIT", "");
    const folder = await mkdtemp(join(tmpdir(), "cifar-commit-"));
    try {
      expect(commitOfSources(folder)).toBeUndefined();
      const git = join(folder, ".git");
      await mkdir(join(git, "refs", "heads"), { recursive: true });
      await writeFile(join(git, "HEAD"), "ref: refs/heads/main\n");
      expect(commitOfSources(folder)).toBeUndefined();
      await writeFile(join(git, "packed-refs"), `# pack-refs\n${id} refs/heads/main\n`);
      expect(commitOfSources(folder)).toBe(id);
      await writeFile(join(git, "refs", "heads", "main"), `${id.replace("89", "01")}\n`);
      expect(commitOfSources(folder)).toBe(id.replace("89", "01"));
      await writeFile(join(git, "HEAD"), `${id}\n`);
      expect(commitOfSources(folder)).toBe(id);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is read from the repository that a worktree belongs to, and is never anything but a commit", async () => {
    vi.stubEnv("CIFAR_COMMIT", "");
    const folder = await mkdtemp(join(tmpdir(), "cifar-commit-"));
    try {
      const own = join(folder, "main", ".git", "worktrees", "side");
      await mkdir(join(folder, "main", ".git", "refs", "heads"), { recursive: true });
      await mkdir(own, { recursive: true });
      await mkdir(join(folder, "side"));
      await writeFile(join(folder, "side", ".git"), `gitdir: ${own}\n`);
      await writeFile(join(own, "HEAD"), "ref: refs/heads/side\n");
      await writeFile(join(own, "commondir"), "../..\n");
      await writeFile(join(folder, "main", ".git", "refs", "heads", "side"), `${id}\n`);
      expect(commitOfSources(join(folder, "side"))).toBe(id);
      await writeFile(join(own, "HEAD"), "\x1b[2Jno commit\n");
      expect(commitOfSources(join(folder, "side"))).toBeUndefined();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is what CIFAR_COMMIT says, for programs built elsewhere", () => {
    vi.stubEnv("CIFAR_COMMIT", id);
    expect(commitOfSources("/nonexistent")).toBe(id);
  });
});
