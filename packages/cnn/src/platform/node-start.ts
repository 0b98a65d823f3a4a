import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { CnnError } from "../errors.js";
import type { ThreadStart } from "../threads/thread.js";
import { readText } from "./node.js";

/** Another thread of this process. */
export interface Thread {
  /** Keeps the process from ending while something is waited for from this thread. */
  hold(): void;
  /** Lets the process end even though the thread is there. */
  release(): void;
  /** Ends the thread at once. */
  close(): void;
}

const THREAD_SCRIPT = "node-thread.js";

/**
 * Starts a thread.
 * @param onFailure told once, with the reason, if it ends before it is closed
 * @throws CnnError WORKER_FAILED if none can be started
 */
export function startThread(start: ThreadStart, onFailure: (reason: string) => void): Thread {
  // Options of this process, such as --input-type, are not meant for the thread's script.
  const options = { workerData: start, execArgv: [] };
  let worker: Worker;
  try {
    // Bundlers look for this very expression; what esbuild makes CommonJS of has a file name instead of an address.
    worker =
      (import.meta as Partial<ImportMeta>).url === undefined
        ? new Worker(join(__dirname, THREAD_SCRIPT), options)
        : new Worker(new URL("./node-thread.js", import.meta.url), options);
  } catch (cause) {
    throw new CnnError("WORKER_FAILED", reasonOf(cause), { cause });
  }
  worker.unref();
  worker.once("error", (error: unknown) => onFailure(reasonOf(error)));
  worker.once("exit", (code) => onFailure(`it exited with code ${code}`));
  return {
    hold: () => worker.ref(),
    release: () => worker.unref(),
    close: () => void worker.terminate(),
  };
}

/** What a thread ended of, in one clause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_INIT_FAILED") return `the system starts no more threads (ulimit -u): ${message}`;
  if (code?.endsWith("MODULE_NOT_FOUND") && message.includes(THREAD_SCRIPT)) {
    return `its script, ${THREAD_SCRIPT} beside the program's own, is not there (a bundle needs it as a second entry)`;
  }
  return message;
}

/** Address space that V8 takes for a thread, in bytes: 0.62 GB, the first 0.89 GB, in Node 20 to 24. */
const THREAD_SPACE = 0.9e9;

/**
 * Why there is no room for so many threads more, in one clause; undefined where there is. V8 ends the whole process where it
 * finds no address space for another thread, so it is looked at beforehand (Linux; other systems do not limit it).
 */
export function whyNoRoom(threads: number): string | undefined {
  const limit = /^Max address space +(\d+)/m.exec(readText("/proc/self/limits") ?? "")?.[1];
  const used = /^VmSize:\s+(\d+) kB/m.exec(readText("/proc/self/status") ?? "")?.[1];
  if (limit === undefined || used === undefined) return undefined;
  const left = Number(limit) - Number(used) * 1024;
  if (left >= threads * THREAD_SPACE) return undefined;
  return `each thread more takes 0.9 GB of address space, and ${(left / 1e9).toFixed(1)} GB are left (ulimit -v)`;
}
