// Control groups of Linux, version 1 and 2: making one, and reading how much memory those in it have used.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const isVersion2 = existsSync(join(ROOT, "cgroup.controllers"));

/** The folder in which a process's group accounts for memory. */
export function memoryFolderOf(pid) {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const fields = lines.map((line) => line.split(":"));
  const [, , path] = fields.find(([, controllers]) =>
    isVersion2 ? controllers === "" : controllers.split(",").includes("memory"),
  );
  return join(ROOT, isVersion2 ? "" : "memory", path);
}

/** Most bytes that were in use at a time, and how often the system ended a process for memory; undefined when it is gone. */
export function readMemory(folder) {
  try {
    const read = (file) => readFileSync(join(folder, file), "utf8");
    const events = read(isVersion2 ? "memory.events" : "memory.oom_control");
    return {
      peak: Number(read(isVersion2 ? "memory.peak" : "memory.max_usage_in_bytes")),
      kills: Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0),
    };
  } catch {
    return undefined;
  }
}

/**
 * Makes a group of so many bytes and cores.
 * @returns the files into which a process writes its number to enter, and how to remove the group when it is empty
 */
export function makeGroup(name, { bytes, cores }) {
  const folders = isVersion2 ? [join(ROOT, name)] : ["memory", "cpu"].map((each) => join(ROOT, each, name));
  if (isVersion2) writeFileSync(join(ROOT, "cgroup.subtree_control"), "+memory +cpu");
  for (const folder of folders) mkdirSync(folder);
  const period = 100_000;
  const limits = isVersion2
    ? { "memory.max": bytes, "memory.swap.max": 0, "cpu.max": `${cores * period} ${period}` }
    : { "memory.limit_in_bytes": bytes, "cpu.cfs_period_us": period, "cpu.cfs_quota_us": cores * period };
  for (const [file, value] of Object.entries(limits)) {
    const folder = folders.find((each) => existsSync(join(each, file)));
    // Without accounting of swap there is no such file.
    if (folder !== undefined) writeFileSync(join(folder, file), `${value}`);
  }
  return {
    entrances: folders.map((folder) => join(folder, "cgroup.procs")),
    remove: () => {
      for (const folder of folders) rmdirSync(folder);
    },
  };
}
