import { cp, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recipeOf, withEpochs } from "../src/recipes.js";
import { changeRun } from "../src/training/resume.js";
import { openRunFolder } from "../src/training/run-folder.js";
import { cifar, jsonLines } from "./command.js";

let folder: string;
let data: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-resume-"));
  data = join(folder, "data");
  await cifar(["data", "shapes", "--out", data, "--train", "140", "--test", "30", "--quiet"]);
  const { status, stderr } = await cifar(train("two", "--epochs", "2"));
  expect(status, stderr).toBe(0);
});

afterAll(() => rm(folder, { recursive: true }));

const train = (name: string, ...words: string[]) => [
  ...["train", data, "--batch", "32", "--quiet", "--out", join(folder, name), ...words],
];
const fileOf = (run: string, file: string) => readFile(join(folder, run, file));
const settingsOf = async (run: string) => JSON.parse((await fileOf(run, "run.json")).toString());
const copyOfTwo = (name: string) => cp(join(folder, "two"), join(folder, name), { recursive: true });

/** As a user sees a refusal: one line, nothing else. */
function expectRefusal(result: Awaited<ReturnType<typeof cifar>>, status: number, line: RegExp): void {
  expect(result.stderr).toMatch(line);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
  expect([result.status, result.stdout]).toEqual([status, ""]);
}

describe("a run that goes on with more epochs", () => {
  it("ends in the same bytes as one that had them from its first step, where the learning rate is constant", async () => {
    const whole = await cifar(train("four", "--epochs", "4"));
    expect(whole.status, whole.stderr).toBe(0);
    await copyOfTwo("extended");
    const { status, stderr, stdout } = await cifar([
      ...["train", "--resume", join(folder, "extended"), "--epochs", "4", "--json"],
    ]);
    expect(status, stderr).toBe(0);
    expect(jsonLines(stdout)[0]).toMatchObject({ type: "start", step: 8, steps: 16 });
    for (const file of ["model.safetensors", "checkpoint.safetensors", "run.json"]) {
      expect((await fileOf("extended", file)).equals(await fileOf("four", file)), file).toBe(true);
    }
    // What it was told is kept: stopped again, it would not stop at the second epoch.
    const log = jsonLines((await fileOf("extended", "log.jsonl")).toString()).filter(({ type }) => type === "epoch");
    expect(log.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
  });

  it("is refused where the learning rate is laid out for those it has", async () => {
    const run = await openRunFolder(join(folder, "two"));
    for (const name of ["fast", "best"]) {
      const curved = { ...run, settings: { ...run.settings, recipe: recipeOf(name) } };
      expect(() => changeRun(curved, { epochs: 90 })).toThrow(
        new RegExp(`^--epochs 90: \\S+two follows a learning rate .* begin one with --recipe ${name} --epochs 90$`),
      );
      expect(changeRun(curved, { epochs: curved.settings.recipe.training.epochs })).toEqual(curved);
    }
  });

  it("has at least those that it has begun", async () => {
    expectRefusal(
      await cifar(["train", "--resume", join(folder, "two"), "--epochs", "1"]),
      2,
      /^cifar: --epochs 1: \S+two is in epoch 2 already: expected at least so many\n$/,
    );
    expect(await settingsOf("two")).toMatchObject({ recipe: { training: { epochs: 2 } } });
  });

  it("has the recipe that a run from the start would have, whatever else was changed", () => {
    for (const changes of [{}, { epochs: 9 }, { batchSize: 8 }, { epochs: 9, dropout: 0.2, heldOut: 5 }]) {
      expect(withEpochs(recipeOf("paper", changes), 4)).toEqual(recipeOf("paper", { ...changes, epochs: 4 }));
    }
  });
});

describe("a run whose data have moved", () => {
  it("goes on with them where they are now, and remembers the place", async () => {
    await copyOfTwo("moved");
    const place = join(folder, "data elsewhere");
    await rename(data, place);
    try {
      const run = join(folder, "moved");
      const lost = await cifar(["train", "--resume", run]);
      expectRefusal(lost, 3, /expected a folder of data.*no such file or folder.*--data says where they are now\n$/);
      const found = await cifar(["train", "--resume", run, "--data", "data elsewhere", "--json"], { cwd: folder });
      expect(found.status, found.stderr).toBe(0);
      expect(await settingsOf("moved")).toMatchObject({ data: place });
    } finally {
      await rename(place, data);
    }
  });

  it("does not take others for them", async () => {
    const others = join(folder, "others");
    await cifar(["data", "shapes", "--out", others, "--train", "140", "--test", "30", "--seed", "1", "--quiet"]);
    const before = await settingsOf("two");
    const { status, stderr } = await cifar(["train", "--resume", join(folder, "two"), "--data", others, "--quiet"]);
    expect(stderr).toMatch(/^cifar: checkpoint: it was trained on .*\n$/);
    expect(status).toBe(3);
    expect(await settingsOf("two")).toEqual(before);
  });
});
