import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { main } from "../src/cli.js";
import type { Suite, SuiteContext } from "../src/suite.js";

let folder: string;
let calls: SuiteContext[];
let out: string;
let err: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bench-test-"));
  calls = [];
  out = "";
  err = "";
});
afterEach(() => rm(folder, { recursive: true }));

/** A suite with one case, `quick brown fox`. */
const fox: Suite = {
  name: "fox",
  summary: "how high it jumps",
  run: async (context) => {
    calls.push(context);
    if (!"quick brown fox".includes(context.filter)) return [];
    return [{ title: "quick brown fox", columns: ["", "cm"], rows: [["over the dog", 51]], notes: ["lazy"] }];
  },
};
const broken: Suite = {
  name: "broken",
  summary: "fails",
  run: async () => {
    throw new Error("the dog woke up");
  },
};

function bench(words: readonly string[], suites: readonly Suite[] = [fox]): Promise<number> {
  return main(words, {
    suites,
    results: join(folder, "results"),
    docs: join(folder, "docs"),
    directory: folder,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
}

describe("wrong usage is one line and exit status 2, and measures nothing", () => {
  test.each([
    [["--suite", "wolf"], 'bench: there is no suite "wolf"; there are fox, broken\n'],
    [["--sute", "fox"], "bench: unknown option '--sute' (Did you mean --suite?)\n"],
    [["--suite"], "bench: option '--suite <name>' argument missing\n"],
    [["fox"], "bench: too many arguments. Expected 0 arguments but got 1.\n"],
    [["--json", "x.json"], "bench: --json takes the results of one suite: name it with --suite\n"],
  ])("%j", async (words, message) => {
    expect(await bench(words, [fox, broken])).toBe(2);
    expect(err).toBe(message);
    expect(calls).toEqual([]);
  });
});

test("--help names every suite and is no failure", async () => {
  expect(await bench(["--help"], [fox, broken])).toBe(0);
  expect(out).toContain("one suite: fox, broken");
});

describe("a whole run", () => {
  test("prints its tables, keeps its results and writes the page", async () => {
    expect(await bench([])).toBe(0);
    expect(out).toBe("\n### quick brown fox\n\n|  | cm |\n| --- | ---: |\n| over the dog | 51 |\n\n- lazy\n");
    const kept = JSON.parse(await readFile(join(folder, "results", "fox.json"), "utf8"));
    expect(kept.suite).toBe("fox");
    expect(kept.runs).toHaveLength(1);
    expect(kept.runs[0].command).toBe("npm run bench -- --suite fox");
    expect(kept.runs[0].machine.node).toBe(process.version);
    expect(await readFile(join(folder, "docs", "benchmarks.md"), "utf8")).toContain("| over the dog | 51 |");
  });

  test("goes on behind a suite that fails, and says so at its end by exit status 1", async () => {
    expect(await bench([], [broken, fox])).toBe(1);
    expect(err).toContain("\nbench: broken: the dog woke up\n");
    expect(await readdir(join(folder, "results"))).toEqual(["fox.json"]);
  });
});

describe("a look", () => {
  test.each([[["--filter", "brown"]], [["--quick"]]])("%j leaves nothing behind", async (words) => {
    expect(await bench(words)).toBe(0);
    expect(await readdir(folder)).toEqual([]);
    expect(out).toContain("over the dog");
  });

  test("with --json is kept in that file alone, under the command that repeats it", async () => {
    expect(await bench(["--suite", "fox", "--filter", "quick brown", "--quick", "--json", "look.json"])).toBe(0);
    const { runs } = JSON.parse(await readFile(join(folder, "look.json"), "utf8"));
    expect(runs[0].command).toBe('npm run bench -- --suite fox --filter "quick brown" --quick');
    expect(calls[0]).toMatchObject({ filter: "quick brown", quick: true });
    expect(await readdir(folder)).not.toContain("docs");
  });

  test("for a case that is not there is a failure", async () => {
    expect(await bench(["--filter", "cat"])).toBe(1);
    expect(err).toContain('bench: fox: no case\'s name contains "cat"\n');
  });
});

test("--page measures nothing and writes the page from what is there", async () => {
  await bench([]);
  calls = [];
  await rm(join(folder, "docs"), { recursive: true });
  expect(await bench(["--page"])).toBe(0);
  expect(calls).toEqual([]);
  expect(await readdir(join(folder, "docs"))).toEqual(["benchmarks.md", "images"]);
});
