import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import {
  emptyNodeMilliseconds,
  type FunctionProcess,
  smallPng,
  startFunction,
  writeModel,
} from "../serve/function-process.js";
import { closedLoop, latency, openLoop } from "../serve/load.js";
import { summarise } from "../statistics.js";
import type { Suite, SuiteContext, Table } from "../suite.js";

const STARTS = 9;
const CONNECTIONS = [1, 8, 64];
/** What the image adds to Node and the watchdog: the function's code with its licences, and the weights that ship. */
const TEMPLATE = fileURLToPath(new URL("../../../template/cnn-node/runtime/", import.meta.url));
const WEIGHTS = fileURLToPath(new URL("models/cifar10.safetensors", import.meta.resolve("@cifar/cifar/package.json")));
/** Before anything is timed: V8 has optimised what is hot. */
const WARM_UP = 1500;

/** The OpenFaaS function: its start, its memory, its answers to a 4 kB PNG on one thread. */
export const serve: Suite = {
  name: "serve",
  summary: "the OpenFaaS function: start, memory, latency with a 4 kB PNG, overload",
  async run(context) {
    const model = await writeModel();
    const picture = smallPng();
    const cases: [string, () => Promise<Table>][] = [
      ["start", () => measureStart(model.path, picture)],
      ["latency", () => withFunction(model.path, picture, measureLatency)],
      ["overload", () => withFunction(model.path, picture, measureOverload)],
      ["size", async () => measureSize()],
    ];
    try {
      return await runChosen(context, cases);
    } finally {
      await model.remove();
    }
  },
};

async function runChosen(context: SuiteContext, cases: readonly [string, () => Promise<Table>][]): Promise<Table[]> {
  const tables: Table[] = [];
  for (const [name, measure] of cases) {
    if (!name.includes(context.filter)) continue;
    context.progress(name);
    tables.push(await measure());
  }
  return tables;
}

async function withFunction(
  modelPath: string,
  picture: Buffer,
  measure: (running: FunctionProcess, picture: Buffer) => Promise<Table>,
): Promise<Table> {
  const running = await startFunction(modelPath, picture);
  try {
    await running.improved;
    return await measure(running, picture);
  } finally {
    await running.stop();
  }
}

async function measureStart(modelPath: string, picture: Buffer): Promise<Table> {
  const empty: number[] = [];
  const first: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    empty.push(await emptyNodeMilliseconds());
    const running = await startFunction(modelPath, picture);
    first.push(running.firstAnswerMilliseconds);
    await running.stop();
  }
  const row = (name: string, samples: readonly number[]): (string | number)[] => {
    const { median, lowerQuartile, upperQuartile } = summarise(samples);
    return [name, Math.round(median), `${Math.round(lowerQuartile)}–${Math.round(upperQuartile)}`];
  };
  return {
    title: "start, in ms from `node` started",
    columns: ["", "median", "quartiles"],
    rows: [row("an empty script, to its end", empty), row("the function, to its first answer to a picture", first)],
    notes: [`${STARTS} starts of each, in turn; the file system's cache is warm.`],
  };
}

async function measureLatency(running: FunctionProcess, picture: Buffer): Promise<Table> {
  const load = { port: running.port, picture };
  const idle = running.residentMB();
  await closedLoop(load, 8, WARM_UP);
  const rows: (string | number)[][] = [];
  let requests = WARM_UP;
  for (const connections of CONNECTIONS) {
    const { answers, seconds } = await closedLoop(load, connections, 3000);
    requests += answers.length;
    const refused = answers.filter(({ status }) => status !== 200).length;
    rows.push([
      connections,
      Math.round(answers.length / seconds),
      latency(answers, 0.5),
      latency(answers, 0.99),
      refused,
    ]);
  }
  const after = running.residentMB();
  const memory = (megabytes: number | undefined): string =>
    megabytes === undefined ? "?" : `${megabytes.toFixed(0)} MB`;
  return {
    title: `latency with a PNG of ${picture.length} bytes, one thread`,
    columns: ["connections", "requests/s", "p50 ms", "p99 ms", "not 200"],
    rows,
    notes: [
      `Resident memory: ${memory(idle)} idle, ${memory(after)} after ${requests} requests.`,
      "Client and function share the machine; the client's own work is in these times.",
    ],
  };
}

async function measureOverload(running: FunctionProcess, picture: Buffer): Promise<Table> {
  const load = { port: running.port, picture };
  await closedLoop(load, 8, WARM_UP);
  const full = await closedLoop(load, 64, 3000);
  const bearable = full.answers.length / full.seconds;
  const { answers, seconds } = await openLoop(load, { clients: 256, perSecond: 4 * bearable, seconds: 4 });
  const row = (name: string, statuses: (status: number) => boolean): (string | number)[] => {
    const some = answers.filter(({ status }) => statuses(status));
    return [
      name,
      some.length,
      some.length === 0 ? "—" : latency(some, 0.5),
      some.length === 0 ? "—" : latency(some, 0.99),
    ];
  };
  return {
    title: `overload: ${Math.round(answers.length / seconds)} requests/s from 256 clients, where it can bear ${Math.round(bearable)}`,
    columns: ["", "answers", "p50 ms", "p99 ms"],
    rows: [
      [
        "200 at 64 connections, for comparison",
        full.answers.length,
        latency(full.answers, 0.5),
        latency(full.answers, 0.99),
      ],
      row("200 under overload", (status) => status === 200),
      row("429 under overload", (status) => status === 429),
      row("anything else", (status) => status !== 200 && status !== 429),
    ],
    notes: [
      `Each client sends at its own pace, four times as much as can be borne together, for ${seconds.toFixed(1)} s.`,
    ],
  };
}

function measureSize(): Table {
  const code = readdirSync(TEMPLATE).map((name) => join(TEMPLATE, name));
  return {
    title: "size, in bytes",
    columns: ["", "as it is", "compressed (gzip)"],
    rows: [sizeRow("code", code), sizeRow("weights", [WEIGHTS])],
    notes: [
      "What the image adds to Node and the watchdog; pulled and pushed compressed.",
      "Code is all of template/cnn-node/runtime, licences too; weights are those that ship. Each file is compressed by itself.",
    ],
  };
}

function sizeRow(name: string, paths: readonly string[]): (string | number)[] {
  const files = paths.map((path) => readFileSync(path));
  const bytesOf = (each: readonly Buffer[]): number => each.reduce((sum, { length }) => sum + length, 0);
  return [name, bytesOf(files), bytesOf(files.map((file) => gzipSync(file)))];
}
