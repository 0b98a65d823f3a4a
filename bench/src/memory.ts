import { readFileSync } from "node:fs";

/** Resident memory of a process in MB (2²⁰ bytes), where the system tells (Linux). */
export function residentMB(pid: number | undefined): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}
