import { Contestant, ContestantRefused, type ContestantSpec } from "./contestant.js";
import type { PrepareRequest } from "./protocol.js";
import { type Summary, summarise } from "./statistics.js";

/** One contestant's part in a comparison. */
export interface Entry {
  readonly name: string;
  readonly description: string;
  /** Milliseconds a run. */
  readonly time: Summary;
  /** Pictures a second at the median. */
  readonly picturesPerSecond: number;
  /**
   * Ours against this one: median over its rounds of (its time / our time in the same round). Above 1: we are faster.
   */
  readonly ratio: number;
  /** Median of each of its rounds, in milliseconds. */
  readonly rounds: readonly number[];
  /** Largest difference of its output from ours. */
  readonly difference: number;
}

/** A comparison's outcome: the entries, ours first, and who was left out, with the reason. */
export interface Comparison {
  readonly task: PrepareRequest["prepare"]["task"];
  readonly batch: number;
  readonly threads: number;
  readonly entries: readonly Entry[];
  readonly absent: readonly { readonly name: string; readonly reason: string }[];
}

export interface CompareOptions {
  readonly request: PrepareRequest["prepare"];
  /** Ours first. */
  readonly contestants: readonly ContestantSpec[];
  /** Outputs farther than this from ours mean that a contestant computes something else: an error. */
  readonly tolerance: number;
  /** How often every contestant has its turn. */
  readonly rounds: number;
  /** About how long a turn lasts. */
  readonly turnMilliseconds: number;
  /** Who needs longer for a run, in ms, has one turn only: a benchmark must end. Default 3000. */
  readonly slow?: number;
  readonly onProgress: (line: string) => void;
}

interface Runner {
  readonly contestant: Contestant;
  readonly description: string;
  readonly difference: number;
  readonly iterations: number;
  readonly slow: boolean;
  readonly samples: number[];
  readonly roundMedians: number[];
}

/**
 * Times contestants on the same task from the same weights and pictures: each is checked against our output, warmed up,
 * then they take turns, so that what slows the machine down slows all of them.
 * @throws Error if ours refuses, or if a contestant's output differs from ours
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { request, onProgress } = options;
  const runners: Runner[] = [];
  const absent: { name: string; reason: string }[] = [];
  try {
    let ours: readonly number[] | undefined;
    for (const spec of options.contestants) {
      const contestant = new Contestant(spec);
      try {
        const { description, output } = await contestant.prepare(request);
        ours ??= output;
        const difference = largestDifference(ours, output);
        if (!(difference <= options.tolerance)) {
          throw new Error(`${spec.name} computes something else: its output differs from ours by ${difference}`);
        }
        const paced = await warmUp(contestant, options);
        runners.push({ contestant, description, difference, ...paced, samples: [], roundMedians: [] });
        onProgress(`  ${spec.name}: ${description}`);
      } catch (error) {
        contestant.close();
        if (!(error instanceof ContestantRefused) || ours === undefined) throw error;
        absent.push({ name: spec.name, reason: error.message });
        onProgress(`  ${spec.name} is left out: ${error.message}`);
      }
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const runner of runners) {
        if (round > 0 && runner.slow) continue;
        const times = await runner.contestant.run(runner.iterations);
        runner.samples.push(...times);
        runner.roundMedians.push(summarise(times).median);
      }
    }
  } finally {
    for (const { contestant } of runners) contestant.close();
  }
  const entries = runners.map((runner) => {
    const time = summarise(runner.samples);
    return {
      name: runner.contestant.spec.name,
      description: runner.description,
      time,
      picturesPerSecond: (request.batch * 1000) / time.median,
      ratio: ratioOf(runner.roundMedians, runners[0]!.roundMedians),
      rounds: runner.roundMedians,
      difference: runner.difference,
    };
  });
  return { task: request.task, batch: request.batch, threads: request.threads, entries, absent };
}

/** Median over the rounds that both had of how many times as long one of them took as the other. */
export function ratioOf(times: readonly number[], others: readonly number[]): number {
  const both = times.slice(0, others.length);
  return summarise(both.map((time, round) => time / others[round]!)).median;
}

/** Runs until the time of a run has settled, and says how many fit into a turn, and whether one is already too long. */
async function warmUp(
  contestant: Contestant,
  { turnMilliseconds, slow = 3000 }: CompareOptions,
): Promise<{ readonly iterations: number; readonly slow: boolean }> {
  const first = (await contestant.run(1))[0]!;
  if (first >= turnMilliseconds) return { iterations: 1, slow: first > slow };
  const settled = summarise(await contestant.run(Math.min(200, Math.ceil(turnMilliseconds / first)))).median;
  return { iterations: Math.max(1, Math.min(2000, Math.round(turnMilliseconds / settled))), slow: false };
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index]!)), 0);
}
