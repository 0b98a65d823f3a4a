import { Problem } from "../problem.js";
import type { DecodeThread } from "./thread.js";
import type { ThreadAnswer, ThreadTask } from "./thread-protocol.js";

/** A picture for the thread. */
export interface DecodeTask extends ThreadTask {
  /** What it is estimated to take. */
  readonly milliseconds: number;
  /** Aborted when its request has been answered otherwise, or nobody waits for it. */
  readonly signal: AbortSignal;
}

export interface DecodeQueueOptions {
  /** Opens a thread. */
  readonly open: () => DecodeThread;
  /** Most that the pictures which wait may be estimated to take, in milliseconds. */
  readonly maxWaiting: number;
  /** How long the thread may work on one picture, in milliseconds, before it is ended. */
  readonly deadline?: number;
  /** How long a thread without work is kept, in milliseconds. */
  readonly keep?: number;
}

/**
 * Ten times what the most costly picture that is let through takes on half a core, so that only what its estimate did not
 * see gets here.
 */
const DEADLINE_MS = 15_000;

/** A thread without work is 10 MB that is not there for requests; to start one takes a twentieth of a second. */
const KEEP_MS = 30_000;

type Answer = Exclude<ThreadAnswer, { kind: "ready" }>;

interface Entry {
  readonly task: DecodeTask;
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

/**
 * Decodes pictures in one thread, one after the other: so that only one at a time takes the memory for it. The thread is
 * started with the first picture, ended when a picture takes too long or nobody waits for it any more, and started anew.
 */
export class DecodeQueue {
  readonly #options: Required<DecodeQueueOptions>;
  #waiting: Entry[] = [];
  /** What all pictures here, waiting or not, are estimated to take. */
  #milliseconds = 0;
  #thread: DecodeThread | undefined;
  #isWorking = false;
  /** Ends the work on the picture that is being decoded. */
  #stop: (reason: unknown) => void = () => undefined;
  #release: NodeJS.Timeout | undefined;

  constructor(options: DecodeQueueOptions) {
    this.#options = { deadline: DEADLINE_MS, keep: KEEP_MS, ...options };
  }

  /**
   * Decodes a picture when those before it are done.
   * @throws Problem too-many-requests, out-of-time; ThreadError; the signal's reason once it is aborted
   */
  async decode(task: DecodeTask): Promise<Answer> {
    const { milliseconds, signal } = task;
    signal.throwIfAborted();
    if (this.#milliseconds > 0 && this.#milliseconds + milliseconds > this.#options.maxWaiting) {
      throw new Problem("too-many-requests", "As many large pictures as fit wait to be decoded already; try again.", {
        headers: { "retry-after": "1" },
      });
    }
    let drop = (): void => undefined;
    this.#milliseconds += milliseconds;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const entry = { task, resolve, reject };
        // One that waits is forgotten at once, with the memory that it holds; that being decoded ends its thread.
        drop = () => {
          this.#waiting = this.#waiting.filter((each) => each !== entry);
          reject(signal.reason);
        };
        signal.addEventListener("abort", drop, { once: true });
        this.#waiting.push(entry);
        void this.#work();
      });
    } finally {
      this.#milliseconds -= milliseconds;
      signal.removeEventListener("abort", drop);
    }
  }

  /** Ends the thread; pictures that are being decoded or wait fail. */
  async close(): Promise<void> {
    const reason = new Error("The decoder has been closed.");
    for (const { reject } of this.#waiting.splice(0)) {
      reject(reason);
    }
    this.#stop(reason);
    await this.#endThread();
  }

  async #work(): Promise<void> {
    if (this.#isWorking) {
      return;
    }
    this.#isWorking = true;
    clearTimeout(this.#release);
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      try {
        entry.resolve(await this.#run(entry.task));
      } catch (reason) {
        entry.reject(reason);
      }
    }
    this.#isWorking = false;
    this.#release = setTimeout(() => void this.#endThread(), this.#options.keep).unref();
  }

  async #run({ file, side, signal }: DecodeTask): Promise<Answer> {
    if (this.#thread === undefined || this.#thread.hasEnded) {
      this.#thread = this.#options.open();
    }
    const stopped = new Promise<never>((_, reject) => {
      this.#stop = reject;
    });
    const { deadline } = this.#options;
    const timer = setTimeout(() => {
      this.#stop(new Problem("out-of-time", `The picture was not decoded within ${deadline} ms; send a smaller one.`));
    }, deadline);
    const abort = (): void => this.#stop(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([this.#thread.run({ file, side }), stopped]);
    } catch (reason) {
      // It has died, or works on what nobody waits for. Before there is another one its memory is given back.
      await this.#endThread();
      throw reason;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  async #endThread(): Promise<void> {
    clearTimeout(this.#release);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.end();
  }
}
