import type { Results, Run } from "../results.js";
import { type Suite, toGrid, toMarkdown } from "../suite.js";
import { barsOf, type Figure, figuresOf, gridOf } from "./bars.js";
import { drawBars } from "./chart.js";

/** The page of results, and its pictures by their names. */
export interface Page {
  readonly markdown: string;
  readonly images: ReadonlyMap<string, string>;
}

const OPENING = `# Benchmarks

Measured by \`npm run bench\` (one suite alone: \`npm run bench -- --suite NAME\`; the peers come by \`npm run bench:setup\`), and
written from \`bench/results\` by the same command. Everyone computes the same network, of 143,018 parameters on pictures of
32 × 32, from the same weights; a peer's output is compared with ours before it is timed. Contestants take turns, so that what
slows the machine down slows all of them: ratios are what to look at, and lead; absolute figures follow, unfolded by a click,
each with its command and machine. Times are medians, with quartiles; who needs more than three seconds for a run has one turn
instead of five.

In another Node: \`npx --yes --package=node@24 -- npm run bench\`. Its results stand beside those that are there.`;

/** The page for all suites that have results, in the order of the suites. */
export async function makePage(suites: readonly Suite[], results: readonly Results[]): Promise<Page> {
  const images = new Map<string, string>();
  const sections: string[] = [];
  for (const suite of suites) {
    const runs = results.find((one) => one.suite === suite.name)?.runs ?? [];
    if (runs.length === 0) continue;
    const figures = suite.chart === undefined ? [] : figuresOf(suite.chart, runs);
    if (suite.chart !== undefined && figures.length > 0) {
      images.set(imageOf(suite), await drawBars(suite.chart, barsOf(suite.chart, figures)));
    }
    sections.push(section(suite, runs, figures));
  }
  return { markdown: `${[OPENING, ...sections].join("\n\n")}\n`, images };
}

function imageOf({ name }: Suite): string {
  return `bench-${name}.svg`;
}

function section(suite: Suite, runs: readonly Run[], figures: readonly Figure[]): string {
  const picture = `![${suite.chart?.axis}](images/${imageOf(suite)})`;
  const lead = figures.length === 0 ? [] : [picture, toGrid(gridOf(figures))];
  const summary = `${suite.summary.charAt(0).toUpperCase()}${suite.summary.slice(1)}.`;
  const { caveats = [] } = suite;
  const warning =
    caveats.length === 0
      ? []
      : [["Until all peers are measured anew:", "", ...caveats.map((text) => `- ${text}`)].join("\n")];
  return [`## ${suite.name}`, summary, ...warning, ...lead, ...runs.map(absolute)].join("\n\n");
}

/** A run's tables, folded away. */
function absolute({ command, machine, tables }: Run): string {
  const { cpu, cores, memoryGB, system, node, date } = machine;
  return [
    `<details><summary>All figures in Node ${node}</summary>`,
    `\`${command}\`, ${date}: ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}.`,
    ...tables.map(toMarkdown),
    "</details>",
  ].join("\n\n");
}
