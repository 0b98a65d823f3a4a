import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModelFile } from "@cifar/cnn/node";
import { RandomStream } from "@cifar/tensor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shapesSplits } from "../src/dataset/shapes.js";
import { recipeOf } from "../src/recipes.js";
import { runTraining } from "../src/training/run.js";
import { createRunFolder } from "../src/training/run-folder.js";
import { type CommandResult, cifar, jsonLines } from "./command.js";

/** How often the run is killed: few times by default, 20 for the record in docs/reproducibility.md. */
const KILLS = Number(process.env["CIFAR_KILLS"] ?? 3);
const SEED = Number(process.env["CIFAR_KILLS_SEED"] ?? 1);

/** Between two kills there is room for an epoch of 4 steps: a run that never reaches a checkpoint would never end. */
const MOST_LINES = 12;
const MOST_MILLISECONDS = 60;

describe(`a run that is killed ${KILLS} times at random moments`, () => {
  let folder: string;
  let data: string;
  const train = (name: string) => [
    ...["train", "--data", data, "--epochs", String(2 * KILLS), "--batch", "32", "--threads", "2", "--json"],
    ...["--out", join(folder, name)],
  ];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cifar-kill-"));
    data = join(folder, "data");
    await cifar(["data", "shapes", "--out", data, "--train", "140", "--test", "30", "--quiet"]);
  });

  afterAll(() => rm(folder, { recursive: true }));

  it("and resumed each time ends in the same bytes as the run left alone", {
    timeout: 60_000 + KILLS * 10_000,
  }, async () => {
    const whole = await cifar(train("whole"));
    expect(whole.status, whole.stderr).toBe(0);

    const run = join(folder, "killed");
    const random = new RandomStream({ seed: SEED, stream: 0 });
    const starts: number[] = [];
    let words = train("killed");
    for (let kill = 0; kill < KILLS; kill++) {
      // As soon as a line is there or some time after it: between steps, within them, while files are written.
      const killed = await killAfter(words, {
        lines: random.nextBelow(MOST_LINES),
        ms: random.nextBelow(MOST_MILLISECONDS),
      });
      if (killed.status !== null) expect.fail(`the run ended before kill ${kill + 1}: ${killed.stderr}`);
      starts.push(startOf(killed));
      words = ["train", "--resume", run, "--json"];
    }
    const last = await cifar(words);
    expect(last.status, last.stderr).toBe(0);
    starts.push(startOf(last));
    if (KILLS > 3) process.stderr.write(`started after steps ${starts.join(", ")}\n`);

    // Weights and curve apart before the files as a whole: so a failure says where to look.
    expect(jsonLines(last.stdout).at(-1)?.["digest"]).toBe(jsonLines(whole.stdout).at(-1)?.["digest"]);
    const [expected, found] = await Promise.all(
      ["whole", "killed"].map((name) => readModelFile(join(folder, name, "model.safetensors"))),
    );
    expect(found!.card).toEqual(expected!.card);
    const files = ["model.safetensors", "checkpoint.safetensors"];
    for (const file of files) {
      const [one, other] = await Promise.all(["whole", "killed"].map((name) => readFile(join(folder, name, file))));
      expect(other!.equals(one!), file).toBe(true);
    }
    // Whatever was half written when the run was killed is not what anybody looks for; the log counts each step once.
    const steps = jsonLines(await readFile(join(run, "log.jsonl"), "utf8")).filter(({ type }) => type === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 8 * KILLS }, (_, index) => index + 1));
    const named = (await readdir(run)).filter((name) => !name.startsWith("."));
    expect(named.sort()).toEqual((await readdir(join(folder, "whole"))).sort());
  });
});

describe("the log of a run", () => {
  it("holds every step and epoch that a checkpoint has behind it, before the checkpoint is written", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cifar-log-"));
    try {
      const settings = { recipe: recipeOf("paper", { epochs: 2, batchSize: 32 }), seed: 0 };
      const files = await createRunFolder(join(folder, "run"), settings);
      let checkpoints = 0;
      await runTraining({
        ...{ files, settings, data: shapesSplits({ train: 80, test: 10 }), threads: 1, checkpointEvery: 0 },
        onNotice: () => {},
        onEvent: (event) => {
          // Told when the checkpoint is there and before the event itself is in the log: as if the run were killed now.
          if (event.type !== "checkpoint") return;
          checkpoints++;
          const log = jsonLines(readFileSync(files.log, "utf8"));
          expect(log.filter(({ type }) => type === "step")).toHaveLength(event.step);
          expect(log.filter(({ type }) => type === "epoch")).toHaveLength(Math.floor((event.step - 1) / 3));
        },
      });
      expect(checkpoints).toBe(6);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/*
 * What is asked for above is seen after both are written. Here the checkpoint cannot be: whatever is in the log then was
 * written before it.
 */
describe("a run whose checkpoint cannot be written", () => {
  it.each([
    ["within an epoch", 0, { steps: 1, epochs: 0 }],
    ["at the end of an epoch", 1e9, { steps: 3, epochs: 1 }],
  ])("%s has what it is to hold in its log all the same", async (_, checkpointEvery, expected) => {
    const folder = await mkdtemp(join(tmpdir(), "cifar-log-"));
    try {
      const settings = { recipe: recipeOf("paper", { epochs: 2, batchSize: 32 }), seed: 0 };
      const files = await createRunFolder(join(folder, "run"), settings);
      await mkdir(files.checkpoint);
      const run = runTraining({
        ...{ files, settings, data: shapesSplits({ train: 80, test: 10 }), threads: 1, checkpointEvery },
        onNotice: () => {},
        onEvent: () => {},
      });
      await expect(run).rejects.toMatchObject({ code: "CANNOT_WRITE", message: /checkpoint\.safetensors/ });
      const log = jsonLines(readFileSync(files.log, "utf8"));
      expect(log.filter(({ type }) => type === "step")).toHaveLength(expected.steps);
      expect(log.filter(({ type }) => type === "epoch")).toHaveLength(expected.epochs);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Runs the command until it has printed so many lines, and some milliseconds more. */
function killAfter(words: readonly string[], { lines, ms }: { lines: number; ms: number }): Promise<CommandResult> {
  let seen = 0;
  return cifar(words, {
    onLine: (_, kill) => {
      if (seen++ !== lines) return;
      setTimeout(() => kill("SIGKILL"), ms);
    },
  });
}

/** Steps that had been made when a process took over. */
function startOf({ stdout }: CommandResult): number {
  const start = jsonLines(stdout.slice(0, stdout.indexOf("\n"))).at(0);
  expect(start).toMatchObject({ type: "start" });
  return Number(start?.["step"]);
}
