import { readFile, writeFile } from "node:fs/promises";
import type { Machine } from "./machine.js";
import type { Table } from "./suite.js";

/** What a suite measured in one Node on one machine. */
export interface Run {
  /** The command that measures it again. */
  readonly command: string;
  readonly machine: Machine;
  readonly tables: readonly Table[];
}

/** A file in results/: a suite's latest run in every Node that it was run in. */
export interface Results {
  readonly suite: string;
  /** From the oldest Node to the newest. */
  readonly runs: readonly Run[];
}

/** 24 of `v24.1.0`. */
export function majorOf(node: string): number {
  return Number.parseInt(node.replace(/^v/, ""), 10);
}

/** The results with a new run, which takes the place of an earlier one in the same major version of Node. */
export function withRun(results: Results, run: Run): Results {
  const major = majorOf(run.machine.node);
  const others = results.runs.filter(({ machine }) => majorOf(machine.node) !== major);
  const runs = [...others, run].sort((a, b) => majorOf(a.machine.node) - majorOf(b.machine.node));
  return { ...results, runs };
}

/**
 * A suite's results from their file; none if there is no such file.
 * @throws Error if the file holds something else
 */
export async function readResults(path: string, suite: string): Promise<Results> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { suite, runs: [] };
    throw error;
  }
  const results = parse(text);
  if (results?.suite !== suite || !Array.isArray(results.runs)) {
    throw new Error(`${path} does not hold results of suite ${suite}`);
  }
  return results as Results;
}

function parse(text: string): Partial<Results> | undefined {
  try {
    return JSON.parse(text) as Partial<Results>;
  } catch {
    return undefined;
  }
}

/** Adds a run to a suite's file of results. */
export async function addRun(path: string, suite: string, run: Run): Promise<void> {
  const results = withRun(await readResults(path, suite), run);
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`);
}
