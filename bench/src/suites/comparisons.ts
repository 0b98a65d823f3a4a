import { availableParallelism } from "node:os";
import { type Comparison, compare } from "../compare.js";
import type { Task } from "../protocol.js";
import { formatRatio, formatSpread } from "../statistics.js";
import type { ChartOptions, SuiteContext, Table } from "../suite.js";
import { contestants, writeTask } from "../task.js";

const RATIO = "ours is faster by";

/** Who is how much slower than ours. */
export const RATIO_CHART: ChartOptions = {
  column: RATIO,
  axis: "times as fast as this peer: right of 1 this engine is faster",
  scale: "log",
  reference: 1,
};

/** One table of contestants. */
export interface Case {
  readonly batch: number;
  readonly threads: number;
}

/** One thread, and all cores where there are more. */
export function threadCounts(): readonly number[] {
  const cores = availableParallelism();
  return cores > 1 ? [1, cores] : [1];
}

/** Runs the cases of a task whose name contains the filter. */
export async function runCases(
  context: SuiteContext,
  task: Task,
  cases: readonly Case[],
  tolerance: number,
): Promise<readonly Table[]> {
  const tables: Table[] = [];
  for (const { batch, threads } of cases) {
    const title = `batch ${batch}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    if (!title.includes(context.filter)) continue;
    context.progress(title);
    const comparison = await compare({
      request: await writeTask(task, batch, threads),
      contestants: contestants(),
      tolerance,
      rounds: context.quick ? 2 : 5,
      turnMilliseconds: context.quick ? 200 : 800,
      onProgress: context.progress,
    });
    tables.push(toTable(title, comparison));
  }
  return tables;
}

/** Who was there, and who was not and why. */
export function contestantNotes({ entries, absent }: Comparison): readonly string[] {
  return [
    ...entries.map(({ name, description }) => `${name}: ${description}`),
    ...absent.map(({ name, reason }) => `${name} is left out: ${reason}`),
  ];
}

function toTable(title: string, comparison: Comparison): Table {
  const { entries, absent } = comparison;
  return {
    title,
    columns: ["", RATIO, "pictures/s", "ms a run (quartiles)", "output differs by"],
    rows: [
      ...entries.map(({ name, ratio, picturesPerSecond, time, difference }, index) => [
        name,
        index === 0 ? "—" : formatRatio(ratio),
        Math.round(picturesPerSecond),
        formatSpread(time, 2),
        index === 0 ? "—" : difference.toExponential(0),
      ]),
      ...absent.map(({ name }) => [name, "left out", "", "", ""]),
    ],
    notes: contestantNotes(comparison),
  };
}
