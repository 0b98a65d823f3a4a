import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Contestant } from "../contestant.js";
import { type Bundle, bundle } from "../footprint/bundle.js";
import { CONTENDERS, type Contender } from "../footprint/contenders.js";
import { installAlone, NotInstalled, packEngine, placeAgent } from "../footprint/install.js";
import { type Size, sizeOf } from "../footprint/size.js";
import { residentMB } from "../memory.js";
import type { PrepareRequest } from "../protocol.js";
import { formatRatio, formatSpread, type Summary, summarise } from "../statistics.js";
import type { Suite, SuiteContext, Table } from "../suite.js";
import { writeTask } from "../task.js";

const RATIO = "times ours";

interface Weighed {
  readonly contender: Contender;
  readonly size: Size;
  readonly bundle: Bundle | undefined;
  /** Its program where it was installed; undefined where it cannot be started. */
  readonly agent: string | undefined;
}

interface Start {
  readonly name: string;
  readonly milliseconds: Summary;
  readonly megabytes: Summary | undefined;
}

/** What it costs to have the engine at all, beside its peers, each installed alone. */
export const footprint: Suite = {
  name: "footprint",
  summary: "what npm brings, what a browser loads, time and memory up to the first prediction",
  chart: {
    column: RATIO,
    axis: "times what this engine takes: right of 1 the peer takes more",
    scale: "log",
    reference: 1,
  },
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), "bench-footprint-"));
    try {
      return await weighAll(folder, context);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function weighAll(folder: string, { filter, quick, progress }: SuiteContext): Promise<readonly Table[]> {
  const weighed: Weighed[] = [];
  const absent: string[] = [];
  for (const [index, contender] of CONTENDERS.entries()) {
    // Ours is what the others are compared with.
    if (index > 0 && !contender.name.includes(filter)) continue;
    progress(contender.name);
    try {
      weighed.push(await weigh(contender, join(folder, String(index))));
    } catch (error) {
      if (!(error instanceof NotInstalled)) throw error;
      absent.push(`${contender.name} is left out: ${error.message}`);
      progress(absent.at(-1)!);
    }
  }
  const started = weighed.filter(({ agent }) => agent !== undefined);
  const starts = await startAll(started, await writeTask("infer", 1, 1), quick ? 2 : 7);
  const cannotStart = weighed.flatMap(({ contender: { name, agent } }) =>
    typeof agent === "string" ? [] : [`${name} is left out: ${agent.cannot}`],
  );
  const tables = [
    installTable(weighed, absent),
    bundleTable(weighed),
    startTable(starts, [...absent, ...cannotStart]),
    memoryTable(starts),
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

async function weigh(contender: Contender, folder: string): Promise<Weighed> {
  const { packages, agent, page } = contender;
  await installAlone(folder, packages === "ours" ? await packEngine(`${folder}-packed`) : packages);
  return {
    contender,
    size: await sizeOf(join(folder, "node_modules")),
    bundle: page && (await bundle({ folder, ...page })),
    agent: typeof agent === "string" ? await placeAgent(folder, agent) : undefined,
  };
}

/** Starts everyone in turn, and a Node that does nothing, and lets each classify one picture. */
async function startAll(
  weighed: readonly Weighed[],
  request: PrepareRequest["prepare"],
  rounds: number,
): Promise<readonly Start[]> {
  const idle = "process.stdin.once('data', () => process.stdout.write('{}\\n'))";
  const programs = [
    ...weighed.map(({ contender, agent }) => ({ name: contender.name, words: [agent!] })),
    { name: "Node alone", words: ["--eval", idle] },
  ].map((program) => ({ ...program, milliseconds: [] as number[], megabytes: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { name, words, milliseconds, megabytes } of programs) {
      const start = performance.now();
      const contestant = new Contestant({ name, command: process.execPath, arguments: words });
      try {
        await contestant.prepare(request);
        milliseconds.push(performance.now() - start);
        const resident = residentMB(contestant.pid);
        if (resident !== undefined) megabytes.push(resident);
      } finally {
        contestant.close();
      }
    }
  }
  return programs.map(({ name, milliseconds, megabytes }) => ({
    name,
    milliseconds: summarise(milliseconds),
    megabytes: megabytes.length === 0 ? undefined : summarise(megabytes),
  }));
}

/** Rows with the ratio to the first of them behind the name. */
function compared<T>(
  items: readonly T[],
  options: {
    readonly name: (item: T) => string;
    readonly amount: (item: T) => number;
    readonly cells: (item: T) => readonly (string | number)[];
  },
): readonly (readonly (string | number)[])[] {
  const { name, amount, cells } = options;
  return items.map((item, index) => [
    name(item),
    index === 0 ? "—" : formatRatio(amount(item) / amount(items[0]!)),
    ...cells(item),
  ]);
}

function installTable(weighed: readonly Weighed[], absent: readonly string[]): Table {
  return {
    title: "what npm install brings",
    columns: ["", RATIO, "MB", "files", "native files"],
    rows: compared(weighed, {
      name: ({ contender }) => contender.name,
      amount: ({ size }) => size.bytes,
      cells: ({ size }) => [(size.bytes / 1e6).toFixed(2), size.files, size.native],
    }),
    notes: [
      "Each alone in an empty folder, without install scripts; ours as `npm pack` packs it, with sources and source maps.",
      ...weighed.map(({ contender: { name, packages } }) =>
        packages === "ours" ? `${name}: @cifar/tensor and @cifar/cnn` : `${name}: ${packages.join(" ")}`,
      ),
      ...weighed.flatMap(({ contender: { name, agent } }) =>
        typeof agent === "string" ? [] : [`${name} is more than this: ${agent.cannot}`],
      ),
      ...absent,
    ],
  };
}

function bundleTable(weighed: readonly Weighed[]): Table {
  const bundled = weighed.flatMap(({ contender, bundle }) => (bundle === undefined ? [] : [{ ...contender, bundle }]));
  const native = weighed.filter(({ bundle }) => bundle === undefined).map(({ contender }) => contender.name);
  return {
    title: "what a browser loads to classify",
    columns: ["", RATIO, "kB, gzip", "kB"],
    rows: compared(bundled, {
      name: ({ name }) => name,
      amount: ({ bundle }) => bundle.gzipBytes,
      cells: ({ bundle }) => [(bundle.gzipBytes / 1000).toFixed(1), (bundle.bytes / 1000).toFixed(1)],
    }),
    notes: [
      "Bundled by esbuild, minified and split: the page's own file and what that imports at its start, with the WebAssembly that is fetched at run time; without weights.",
      ...bundled.map(
        ({ name, page }) => `${name}: \`${page?.program}\`${page?.wasm.map((file) => `, ${file}`).join("")}`,
      ),
      ...native.map((name) => `${name} does not run in browsers`),
    ],
  };
}

function startTable(starts: readonly Start[], absent: readonly string[]): Table {
  return {
    title: "from process start to the first prediction",
    columns: ["", RATIO, "ms (quartiles)"],
    rows: compared(starts, {
      name: ({ name }) => name,
      amount: ({ milliseconds }) => milliseconds.median,
      cells: ({ milliseconds }) => [formatSpread(milliseconds, 0)],
    }),
    notes: [
      `One picture, one thread; loading the packages, reading the weights and compiling included; ${starts[0]?.milliseconds.samples} starts of each, in turn, with the file system's cache warm.`,
      ...absent,
    ],
  };
}

function memoryTable(starts: readonly Start[]): Table {
  const told = starts.flatMap(({ name, megabytes }) => (megabytes === undefined ? [] : [{ name, megabytes }]));
  return {
    title: "resident memory after the first prediction",
    columns: ["", RATIO, "MB (quartiles)"],
    rows: compared(told, {
      name: ({ name }) => name,
      amount: ({ megabytes }) => megabytes.median,
      cells: ({ megabytes }) => [formatSpread(megabytes, 0)],
    }),
    notes: ["VmRSS of the same processes: it includes Node itself, and pages of files that processes share."],
  };
}
