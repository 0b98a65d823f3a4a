import { describe, expect, test } from "vitest";
import { compare } from "../src/compare.js";
import type { ContestantSpec } from "../src/contestant.js";

/** A contestant that says how long it took instead of taking that long. */
function fake(name: string, says: { readonly prepared: object; readonly milliseconds?: number }): ContestantSpec {
  const program = `
    import { createInterface } from "node:readline";
    const { prepared, milliseconds } = ${JSON.stringify(says)};
    console.log("a banner that is no answer");
    for await (const line of createInterface({ input: process.stdin })) {
      const { run } = JSON.parse(line);
      console.log(JSON.stringify(run ? { milliseconds: Array(run.iterations).fill(milliseconds) } : prepared));
    }`;
  return { name, command: process.execPath, arguments: ["--input-type=module", "--eval", program] };
}

function crashing(name: string): ContestantSpec {
  const program = 'console.error("loading"); throw new TypeError("no such kernel");';
  return { name, command: process.execPath, arguments: ["--eval", program] };
}

const prepared = (output: readonly number[]) => ({ description: "fake 1.0", output });
const ours = fake("ours", { prepared: prepared([0.25, 0.75]), milliseconds: 10 });

function compareWith(...contestants: readonly ContestantSpec[]) {
  return compare({
    request: { task: "infer", batch: 4, threads: 1, weights: "", onnx: "", input: "" },
    contestants,
    tolerance: 1e-3,
    rounds: 3,
    turnMilliseconds: 50,
    onProgress: () => {},
  });
}

describe("compare", () => {
  test("tells how many times as long a peer takes, and pictures a second", async () => {
    const peer = fake("peer", { prepared: prepared([0.2505, 0.7495]), milliseconds: 25 });
    const { entries, absent } = await compareWith(ours, peer);
    expect(absent).toEqual([]);
    expect(entries.map(({ name, ratio, picturesPerSecond }) => [name, ratio, picturesPerSecond])).toEqual([
      ["ours", 1, 400],
      ["peer", 2.5, 160],
    ]);
    expect(entries[1]!.difference).toBeCloseTo(0.0005, 10);
    // A turn of 50 ms has five runs of 10 ms, and each has three turns.
    expect(entries.map(({ time }) => time.samples)).toEqual([15, 6]);
  });

  test("gives who takes seconds for a run one turn of one run", async () => {
    const slow = fake("slow", { prepared: prepared([0.25, 0.75]), milliseconds: 20_000 });
    const { entries } = await compareWith(ours, slow);
    expect([entries[1]!.time.samples, entries[1]!.ratio]).toEqual([1, 2000]);
  });

  test("names a peer that refuses and one that breaks, with the reason, and goes on", async () => {
    const refusing = fake("refusing", { prepared: { refused: "it cannot train" } });
    const { entries, absent } = await compareWith(ours, refusing, crashing("broken"));
    expect(entries.map(({ name }) => name)).toEqual(["ours"]);
    expect(absent).toEqual([
      { name: "refusing", reason: "it cannot train" },
      { name: "broken", reason: "TypeError: no such kernel" },
    ]);
  });

  test.each([
    ["other values", [0.3, 0.7]],
    ["fewer values", [0.25]],
    ["no numbers", [null, 0.75]],
  ])("times nobody whose output is not ours: %s", async (_, output) => {
    const wrong = fake("wrong", { prepared: { description: "", output }, milliseconds: 1 });
    await expect(compareWith(ours, wrong)).rejects.toThrow("wrong computes something else");
  });

  test("fails if ours cannot take part: there is nothing to compare with", async () => {
    const refused = fake("ours", { prepared: { refused: "no SIMD here" } });
    await expect(compareWith(refused)).rejects.toThrow("no SIMD here");
  });
});
