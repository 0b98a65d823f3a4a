/** Milliseconds that pictures may take of one turn of the event loop before the next of them waits for another turn. */
const MOST_OF_A_TURN_MS = 8;

/**
 * Lets others in between pictures that are decoded on the event loop's own thread: of many that come at once each is quick,
 * but all of them in one turn would keep a health check waiting for their sum.
 */
export class Turns {
  readonly #now: () => number;
  /** When the first picture of this turn began; undefined where there was none. */
  #began: number | undefined;
  #next = Promise.resolve();

  /** @param now a clock in milliseconds; another one only in tests */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Does the work, which keeps the loop, in this turn or in one that has time for it. */
  async run<Result>(work: () => Result): Promise<Result> {
    while (this.#began !== undefined && this.#now() - this.#began > MOST_OF_A_TURN_MS) {
      await this.#next;
    }
    this.#begin();
    return work();
  }

  #begin(): void {
    if (this.#began !== undefined) {
      return;
    }
    this.#began = this.#now();
    this.#next = new Promise((resolve) => {
      setImmediate(() => {
        this.#began = undefined;
        resolve();
      });
    });
  }
}
