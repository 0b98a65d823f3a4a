import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Results, readResults } from "../results.js";
import type { Suite } from "../suite.js";
import { makePage } from "./page.js";

/** The results of all suites in a folder. */
export function readAllResults(suites: readonly Suite[], folder: string): Promise<readonly Results[]> {
  return Promise.all(suites.map(({ name }) => readResults(join(folder, `${name}.json`), name)));
}

/** Writes benchmarks.md and its pictures into the folder of the documentation. */
export async function writePage(options: {
  readonly suites: readonly Suite[];
  readonly results: string;
  readonly docs: string;
}): Promise<void> {
  const { suites, results, docs } = options;
  const { markdown, images } = await makePage(suites, await readAllResults(suites, results));
  await mkdir(join(docs, "images"), { recursive: true });
  await writeFile(join(docs, "benchmarks.md"), markdown);
  for (const [name, svg] of images) await writeFile(join(docs, "images", name), svg);
}
