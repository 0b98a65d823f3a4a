import { Worker } from "node:worker_threads";
import type { ThreadAnswer, ThreadData, ThreadTask } from "./thread-protocol.js";

/** Why a task has no answer: no thread could be started, or the one that was has died of it. */
export class ThreadError extends Error {
  override readonly name = "ThreadError";
  readonly code: "NO_THREAD" | "OUT_OF_MEMORY" | "THREAD_DIED";

  constructor(code: ThreadError["code"], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.code = code;
  }
}

/** The space for young objects: of what is decoded little is young, and each megabyte is there twice. */
const YOUNG_MB = 2;

/** The space for what is not: code, and the objects around coefficients and rows, of which there are so many bytes a pixel. */
const OLD_MB = 32;
const OLD_BYTES_PER_PIXEL = 48;

/** Starts the script that decodes, which lies beside this file, in the bundle too. */
export function openWorker(data: ThreadData): Worker {
  const worker = new Worker(new URL("./decode-thread.js", import.meta.url), {
    workerData: data,
    // Options of this process, such as --input-type, are not meant for the thread's script.
    execArgv: [],
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_MB,
      maxOldGenerationSizeMb: Math.ceil(OLD_MB + (OLD_BYTES_PER_PIXEL * data.maxPixels) / 2 ** 20),
    },
  });
  // A program ends without waiting for it.
  worker.unref();
  return worker;
}

/** A thread that decodes one picture after the other. */
export class DecodeThread {
  readonly #worker: Worker;
  #isReady = false;
  #hasEnded = false;

  /** @throws ThreadError NO_THREAD where the system or Node's permissions refuse one */
  constructor(open: () => Worker) {
    try {
      this.#worker = open();
    } catch (cause) {
      throw new ThreadError("NO_THREAD", cause);
    }
    // Between tasks nobody listens, but an error without a listener would end the process.
    this.#worker.on("error", () => undefined);
    this.#worker.once("exit", () => {
      this.#hasEnded = true;
    });
  }

  /** Whether it is gone, for whatever reason; what it were given would never be answered. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Hands over a task; the one before it must have been answered.
   * @throws ThreadError
   */
  run(task: ThreadTask): Promise<Exclude<ThreadAnswer, { kind: "ready" }>> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const listen = (answer: ThreadAnswer): void => {
        if (answer.kind === "ready") {
          this.#isReady = true;
          return;
        }
        stop();
        resolve(answer);
      };
      const fail = (cause: unknown): void => {
        stop();
        const code = (cause as { code?: unknown } | undefined)?.code;
        const died = code === "ERR_WORKER_OUT_OF_MEMORY" ? "OUT_OF_MEMORY" : "THREAD_DIED";
        reject(new ThreadError(this.#isReady ? died : "NO_THREAD", cause));
      };
      const exit = (code: number): void => fail(new Error(`the thread has ended with code ${code}`));
      const stop = (): void => {
        worker.off("message", listen).off("error", fail).off("exit", exit);
        worker.unref();
      };
      worker.on("message", listen).on("error", fail).on("exit", exit);
      // While it works on a task, the process waits for it.
      worker.ref();
      // The thread gets a copy that is its own: of the request's body others may still need another part.
      const file = Uint8Array.from(task.file);
      worker.postMessage({ ...task, file }, [file.buffer]);
    });
  }

  /** Ends the thread, whatever it is doing. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
