import { setTimeout as sleep } from "node:timers/promises";

/*
 * A network's first runs take a hundred times as long as later ones, and V8 goes on optimising for seconds. A function that
 * serves meanwhile does this in small steps and leaves most of the time to its requests.
 */

/** Work after which others get their turn, in milliseconds. */
const STEP_MS = 10;

/** Rests are so many times as long as the work before them: of half a core, a limit of containers, a third is left. */
const REST_FACTOR = 2;
const SHORTEST_REST = 10;
const LONGEST_REST = 500;

/** Lets whatever waits for the event loop have its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Makes work that nobody waits for give way to work that somebody does. */
export class Pacer {
  #since = performance.now();
  #rested = 0;
  #over = false;

  /** For between two layers: a rest where the work since the last one has been long enough for it. */
  readonly breathe = (): Promise<void> | undefined =>
    this.#over || performance.now() - this.#since < STEP_MS ? undefined : this.rest();

  /** For between two steps. */
  async rest(): Promise<void> {
    const started = performance.now();
    await sleep(Math.min(LONGEST_REST, Math.max(SHORTEST_REST, REST_FACTOR * (started - this.#since))));
    this.#since = performance.now();
    this.#rested += this.#since - started;
  }

  /** Milliseconds that some work takes, without its rests; one follows it. */
  async time(work: () => Promise<unknown>): Promise<number> {
    const [started, rested] = [performance.now(), this.#rested];
    await work();
    const milliseconds = performance.now() - started - (this.#rested - rested);
    await this.rest();
    return milliseconds;
  }

  /** From now on nothing is held up. */
  end(): void {
    this.#over = true;
  }
}

/** How many runs are compared with as many before them. */
const WINDOW = 10;

/** Times that are less apart than this are the same. */
const STEADY = 0.95;

/** After so many runs, times that still fall are given up: there is no telling which way is faster. */
const MOST_RUNS = 500;

/**
 * Runs each trial in turn until their times have all settled: the best of the last ten runs is no better than that of the
 * ten before. One run says nothing, and a best of few runs says how far V8 had come.
 * @param trials each gives the milliseconds of a run
 * @param wanted false ends it
 * @returns the best time of each trial's last runs; undefined where they never settled
 */
export async function settle(
  trials: readonly (() => Promise<number>)[],
  wanted: () => boolean = () => true,
): Promise<readonly number[] | undefined> {
  const times = trials.map((): number[] => []);
  for (let run = 0; run < MOST_RUNS && wanted(); run++) {
    for (const [index, trial] of trials.entries()) {
      times[index]!.push(await trial());
    }
    if (times.every(hasSettled)) {
      return times.map((each) => Math.min(...each.slice(-WINDOW)));
    }
  }
  return undefined;
}

function hasSettled(times: readonly number[]): boolean {
  const [before, last] = [times.slice(-2 * WINDOW, -WINDOW), times.slice(-WINDOW)];
  return before.length === WINDOW && Math.min(...last) >= STEADY * Math.min(...before);
}
