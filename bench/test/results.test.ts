import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addRun, majorOf, type Run, readResults, withRun } from "../src/results.js";
import { runIn } from "./support/runs.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bench-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

const nodes = (runs: readonly Run[]) => runs.map(({ machine }) => machine.node);

test("majorOf reads the first number of Node's version", () => {
  expect(["v20.19.2", "v24.1.0", "v9.0.0"].map(majorOf)).toEqual([20, 24, 9]);
});

describe("withRun", () => {
  const results = { suite: "infer", runs: [runIn("v20.19.0"), runIn("v24.1.0")] };

  test("replaces the run of the same major version of Node alone", () => {
    const again = runIn("v20.20.2");
    expect(withRun(results, again).runs).toEqual([again, results.runs[1]]);
  });

  test("puts a new version in its place by number, not by text", () => {
    expect(nodes(withRun(results, runIn("v22.0.0")).runs)).toEqual(["v20.19.0", "v22.0.0", "v24.1.0"]);
    expect(nodes(withRun(results, runIn("v9.1.0")).runs)).toEqual(["v9.1.0", "v20.19.0", "v24.1.0"]);
  });
});

describe("a file of results", () => {
  test("is empty before it is there, and gives back what was added", async () => {
    const path = join(folder, "infer.json");
    expect(await readResults(path, "infer")).toEqual({ suite: "infer", runs: [] });
    await addRun(path, "infer", runIn("v24.1.0"));
    await addRun(path, "infer", runIn("v20.19.0"));
    expect(nodes((await readResults(path, "infer")).runs)).toEqual(["v20.19.0", "v24.1.0"]);
  });

  test.each([
    ["another suite's results", '{"suite":"train","runs":[]}'],
    ["something without runs", '{"suite":"infer"}'],
    ["no JSON", "{"],
  ])("with %s is named in the error and left as it is", async (_, text) => {
    const path = join(folder, "foreign.json");
    await writeFile(path, text);
    await expect(addRun(path, "infer", runIn("v20.19.0"))).rejects.toThrow(
      `${path} does not hold results of suite infer`,
    );
    expect(await readFile(path, "utf8")).toBe(text);
  });
});
