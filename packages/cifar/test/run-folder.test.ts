import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DataSplits } from "../src/dataset/cifar10.js";
import { shapesSplits } from "../src/dataset/shapes.js";
import { recipeOf } from "../src/recipes.js";
import { type RunEvent, readLog } from "../src/training/events.js";
import { runTraining } from "../src/training/run.js";
import { appendToLog, createRunFolder, openRunFolder, type RunFiles } from "../src/training/run-folder.js";
import { jsonLines } from "./command.js";

const data = shapesSplits({ train: 80, test: 10 });
const settings = { recipe: recipeOf("paper", { epochs: 2, batchSize: 32 }), seed: 3 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-run-"));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (files: RunFiles, more: Partial<Parameters<typeof runTraining>[0]> = {}) =>
  runTraining({ files, settings, data, threads: 1, onEvent: () => {}, onNotice: () => {}, ...more });

/** A run that is stopped after a step, with its checkpoint; 3 steps make an epoch. */
async function stoppedAfter(step: number): Promise<RunFiles> {
  const files = await createRunFolder(join(folder, "stopped"), settings);
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === "step" && event.step === step) controller.abort();
  };
  expect(await run(files, { signal: controller.signal, onEvent })).toMatchObject({ stopped: true });
  return files;
}

describe("the log of a run that goes on", () => {
  const step = (step: number): RunEvent => {
    return { type: "step", step, epoch: 1, loss: 1, learningRate: 0.1, imagesPerSecond: 1 };
  };

  it("is kept up to the step of the checkpoint: not one more, not one less", async () => {
    const text = [3, 4, 5].map((each) => `${JSON.stringify(step(each))}\n`).join("");
    expect(readLog(text, 4)).toEqual([step(3), step(4)]);
    const files = await stoppedAfter(4);
    // Killed after the log of the next steps and before their checkpoint.
    await appendToLog(files, [step(5), step(6)]);
    const { checkpoint, events } = await openRunFolder(files.folder);
    expect(checkpoint?.step).toBe(4);
    const kept = (found: readonly object[]) =>
      found.flatMap((each) => ("loss" in each && "step" in each ? each.step : []));
    expect(kept(events)).toEqual([1, 2, 3, 4]);
    expect(kept(jsonLines(await readFile(files.log, "utf8")))).toEqual([1, 2, 3, 4]);
  });
});

describe("a run that was broken off before its first checkpoint", () => {
  it("has its settings alone, is no place for another run, and goes on from its start to the same bytes", async () => {
    const whole = await createRunFolder(join(folder, "whole"), settings);
    await run(whole);
    const files = await createRunFolder(join(folder, "broken"), settings);
    expect(await readdir(files.folder)).toEqual(["run.json"]);
    await expect(createRunFolder(files.folder, settings)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("holds a run already (run.json)"),
    });
    const opened = await openRunFolder(files.folder);
    expect(opened).toMatchObject({ settings, checkpoint: undefined, events: [] });
    await run(opened.files);
    const [expected, found] = await Promise.all([whole.model, files.model].map((path) => readFile(path)));
    expect(found!.equals(expected!)).toBe(true);
  });

  it("begins its log anew, since all of it happens again", async () => {
    const files = await createRunFolder(join(folder, "broken"), settings);
    await writeFile(files.log, '{"type":"step","step":1,"epoch":1,"loss":9}\n');
    expect((await openRunFolder(files.folder)).events).toEqual([]);
    expect(await readFile(files.log, "utf8")).toBe("");
    expect(existsSync(files.checkpoint)).toBe(false);
  });
});

describe("a run's checkpoint", () => {
  it("goes on with the pictures it was trained on under the same labels, and no others", async () => {
    const files = await stoppedAfter(4);
    const { checkpoint, events } = await openRunFolder(files.folder);
    const resume = { checkpoint: checkpoint!, events };
    const { labels, classes } = data.train;
    const others: DataSplits = {
      ...data,
      // The first picture alone, and as if it were of the next class.
      train: { ...data.train, labels: labels.with(0, (labels[0]! + 1) % classes.length) },
    };
    await expect(run(files, { data: others, resume })).rejects.toMatchObject({ code: "CHECKPOINT_MISMATCH" });
    expect(await run(files, { resume })).toMatchObject({ stopped: false });
  });
});
