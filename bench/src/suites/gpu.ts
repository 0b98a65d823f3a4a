import { fileURLToPath } from "node:url";
import { findChromium, isSoftware, openPage } from "../browser/chromium.js";
import { type Comparison, compare, type Entry, ratioOf } from "../compare.js";
import type { ContestantSpec } from "../contestant.js";
import type { Task } from "../protocol.js";
import { formatRatio, formatSpread } from "../statistics.js";
import type { Suite, SuiteContext, Table } from "../suite.js";
import { writeTask } from "../task.js";
import { contestantNotes, threadCounts } from "./comparisons.js";

const TFJS = "tfjs (WebGL)";
const RATIO = `as fast as ${TFJS}`;

/** Sums in other orders, and a GPU's functions that are a few units off in the last place. */
const TOLERANCE = 2e-3;

const SOFTWARE_NOTES = [
  "no graphics card here: WebGL2 and WebGPU are rendered in software, in small batches, since 64 pictures take minutes",
  "tfjs by itself takes no WebGL that is rendered in software; for this table it was given one",
];

/** gpu.js's modes beside the engine's other backends and tfjs's WebGL. */
export const gpu: Suite = {
  name: "gpu",
  summary: "the network on gpu.js in Chromium, beside tfjs's WebGL backend and our own backends, and in Node",
  chart: { column: RATIO, axis: `times as fast as ${TFJS} in the same browser`, scale: "log", reference: 1 },
  async run(context) {
    const chromium = findChromium();
    if (chromium === undefined) {
      context.progress("Chromium is left out: there is none at CHROME_PATH or /usr/bin/chromium");
      return runAll(context, inNode());
    }
    const software = await rendersInSoftware(chromium);
    return [...(await runAll(context, inChromium(software))), ...(await runAll(context, inNode()))];
  },
};

async function rendersInSoftware(chromium: string): Promise<boolean> {
  const { browser, rendering } = await openPage(chromium, "about:blank", "webgl2");
  await browser.close();
  return rendering === undefined || isSoftware(rendering);
}

/** One table. */
interface Case {
  readonly place: string;
  readonly task: Task;
  readonly batch: number;
  /** Whose output the others are checked by comes first. */
  readonly contestants: readonly ContestantSpec[];
  readonly column: string;
  /** What an entry shows in that column. */
  readonly ratio: (entry: Entry, comparison: Comparison) => string;
  readonly notes: readonly string[];
}

function inChromium(software: boolean): readonly Case[] {
  const all = threadCounts().slice(1);
  const contestants = [
    contestant("wasm, 1 thread", "chromium", "--backend", "wasm"),
    ...all.map((n) => contestant(`wasm, ${n} threads`, "chromium", "--backend", "wasm", "--threads", `${n}`)),
    contestant("gpu (WebGPU)", "chromium", "--backend", "gpu:webgpu"),
    contestant("gpu (WebGL2)", "chromium", "--backend", "gpu:webgl2"),
    contestant("reference", "chromium", "--backend", "reference"),
    contestant(TFJS, "chromium", "--peer", "tfjs-webgl"),
  ];
  const notes = software ? SOFTWARE_NOTES : [];
  const ratio = (entry: Entry, { entries }: Comparison) => {
    const tfjs = entries.find(({ name }) => name === TFJS);
    return tfjs === undefined || tfjs === entry ? "—" : formatRatio(ratioOf(tfjs.rounds, entry.rounds));
  };
  const place = {
    place: software ? "Chromium, software rendering" : "Chromium",
    contestants,
    column: RATIO,
    ratio,
    notes,
  };
  return [
    { ...place, task: "infer", batch: software ? 2 : 64 },
    { ...place, task: "train", batch: software ? 2 : 64 },
  ];
}

function inNode(): readonly Case[] {
  const contestants = [
    contestant("wasm, 1 thread", "ours", "--backend", "wasm"),
    contestant("gpu (software: WebAssembly)", "ours", "--backend", "gpu:webasm"),
    contestant("gpu (software: JavaScript)", "ours", "--backend", "gpu:cpu"),
    contestant("reference", "ours", "--backend", "reference"),
  ];
  const ratio = (entry: Entry, { entries }: Comparison) => (entry === entries[0] ? "—" : formatRatio(entry.ratio));
  const notes = ["in Node gpu.js has its software modes alone, in small batches"];
  const place = { place: "Node", contestants, column: "wasm is faster by", ratio, notes };
  return [
    { ...place, task: "infer", batch: 2 },
    { ...place, task: "train", batch: 2 },
  ];
}

function contestant(name: string, agent: "chromium" | "ours", ...words: string[]): ContestantSpec {
  const script = fileURLToPath(new URL(`../agents/${agent}.js`, import.meta.url));
  return { name, command: process.execPath, arguments: [script, ...words] };
}

/** Runs the cases whose name contains the filter. */
async function runAll({ filter, quick, progress }: SuiteContext, cases: readonly Case[]): Promise<readonly Table[]> {
  const tables: Table[] = [];
  for (const one of cases) {
    const title = `${one.task === "infer" ? "classifying" : "a training step"}, batch ${one.batch}, ${one.place}`;
    if (!title.includes(filter)) continue;
    progress(title);
    const comparison = await compare({
      request: await writeTask(one.task, one.batch, 1),
      contestants: one.contestants,
      tolerance: TOLERANCE,
      rounds: quick ? 1 : 3,
      turnMilliseconds: quick ? 200 : 800,
      slow: 60_000,
      onProgress: progress,
    });
    tables.push(toTable(title, one, comparison));
  }
  return tables;
}

function toTable(title: string, { column, ratio, notes }: Case, comparison: Comparison): Table {
  const { entries } = comparison;
  return {
    title,
    columns: ["", column, "pictures/s", "ms a run (quartiles)", "output differs by"],
    rows: entries.map((entry, index) => [
      // A figure of software must not pass for one of a card: on one machine WebGL2 may have one and WebGPU not.
      /software rendering/.test(entry.description) ? `${entry.name} in software` : entry.name,
      ratio(entry, comparison),
      entry.picturesPerSecond < 100 ? entry.picturesPerSecond.toPrecision(3) : Math.round(entry.picturesPerSecond),
      formatSpread(entry.time, 2),
      index === 0 ? "—" : entry.difference.toExponential(0),
    ]),
    notes: [...notes, ...contestantNotes(comparison)],
  };
}
