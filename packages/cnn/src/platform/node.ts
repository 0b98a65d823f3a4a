import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

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

/** A small file of the system. */
export function readText(path: string): string | undefined {
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

/** Why threads cannot be had here, in one clause; undefined where they can. */
export function whyNoThreads(): string | undefined {
  // Known while Node's permission model is on.
  const { permission } = process as { permission?: { has(scope: string): boolean } };
  if (permission === undefined || permission.has("worker")) return undefined;
  return "Node's permission model refuses threads, --allow-worker grants them";
}
