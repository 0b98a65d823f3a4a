import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ThreadStart } from "../threads/thread.js";

/**
 * Cores that this process may use: those it may be scheduled on, limited by the share of time that a container grants
 * (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`). At least 1.
 */
export function availableThreads(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cgroupLimit())));
}

function cgroupLimit(): number {
  const version2 = readWords("/sys/fs/cgroup/cpu.max");
  if (version2 !== undefined) return quotient(version2[0], version2[1]);
  const quota = readWords("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const period = readWords("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return quotient(quota?.[0], period?.[0]);
}

/** Infinity where there is no limit: `max` in version 2, −1 in version 1, no file elsewhere. */
function quotient(quota: string | undefined, period: string | undefined): number {
  const share = Number(quota) / Number(period);
  return share > 0 ? share : Number.POSITIVE_INFINITY;
}

function readWords(path: string): string[] | undefined {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(/\s+/) : undefined;
}

/** Lets timers, signals and messages have their turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Another thread of this process. */
export interface Thread {
  /** Keeps the process from ending while something is waited for from this thread. */
  hold(): void;
  /** Lets the process end even though the thread is there. */
  release(): void;
  /** Ends the thread at once. */
  close(): void;
}

/**
 * Starts a thread.
 * @param onFailure told once, with the reason, if it ends before it is closed
 */
export function startThread(start: ThreadStart, onFailure: (reason: string) => void): Thread {
  // Options of this process, such as --input-type, are not meant for the thread's script.
  const worker = new Worker(new URL("./node-thread.js", import.meta.url), { workerData: start, execArgv: [] });
  worker.unref();
  worker.once("error", (error: unknown) => onFailure(error instanceof Error ? error.message : String(error)));
  worker.once("exit", (code) => onFailure(`it exited with code ${code}`));
  return {
    hold: () => worker.ref(),
    release: () => worker.unref(),
    close: () => void worker.terminate(),
  };
}

/** Undefined: threads can always share memory here. */
export function whyNoThreads(): string | undefined {
  return undefined;
}
