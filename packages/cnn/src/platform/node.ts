import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { CnnError } from "../errors.js";
import type { ThreadStart } from "../threads/thread.js";

/** Where the system says how much time a process may have; other places only in tests. */
const CONTROL_GROUPS = { root: "/sys/fs/cgroup", self: "/proc/self/cgroup" };

/**
 * Cores that this process may use: those it may be scheduled on, limited by the share of time that a container or service
 * grants (control groups version 2: `cpu.max`, version 1: `cpu.cfs_quota_us`). At least 1.
 */
export function availableThreads(places: typeof CONTROL_GROUPS = CONTROL_GROUPS): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(grantedCores(places))));
}

/** The smallest share of all groups around the process, Infinity where none has a limit. */
function grantedCores({ root, self }: typeof CONTROL_GROUPS): number {
  let granted = Number.POSITIVE_INFINITY;
  for (const line of readText(self)?.split("\n") ?? []) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    const version2 = controllers === "";
    if (!version2 && !controllers.split(",").includes("cpu")) continue;
    // In a container the group's name may be that of the host, while the folder shows the container's own as the root.
    for (let path = group; ; path = path.slice(0, path.lastIndexOf("/"))) {
      const share = version2 ? shareOf(readText(join(root, path, "cpu.max"))) : quotaOf(join(root, "cpu", path));
      granted = Math.min(granted, share);
      if (path.replaceAll("/", "") === "") break;
    }
  }
  return granted;
}

function quotaOf(folder: string): number {
  return shareOf(`${readText(join(folder, "cpu.cfs_quota_us"))} ${readText(join(folder, "cpu.cfs_period_us"))}`);
}

/** Quota by period; Infinity where there is no limit: `max` in version 2, −1 in version 1, no file elsewhere. */
function shareOf(text: string | undefined): number {
  const [quota, period] = (text ?? "").trim().split(/\s+/);
  const share = Number(quota) / Number(period);
  return share > 0 ? share : Number.POSITIVE_INFINITY;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // not there, or not for us to see
  }
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

/** Why threads cannot be had here, in one clause; undefined where they can. */
export function whyNoThreads(): string | undefined {
  // Known while Node's permission model is on.
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  if (permission === undefined || permission.has("worker")) return undefined;
  return "Node's permission model refuses threads, --allow-worker grants them";
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
