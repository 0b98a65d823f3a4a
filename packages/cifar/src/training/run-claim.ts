import { readFileSync } from "node:fs";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CifarError } from "../errors.js";
import { writing } from "../writing.js";
import { runFiles } from "./run-folder.js";

/*
 * One process at a time works in the folder of a run. Each says so by an empty file there, whose name tells who it is, and
 * then looks for others' files: so of two that come at once at least one sees the other, and what a killed process has left
 * is known by its name and may be deleted by anybody, as no other file is ever called the same.
 */

/** `.running-PID-START-HOST` */
const CLAIM = /^\.running-(\d+)-(\d+)-(.+)$/;

/** Milliseconds. A younger claim may be withdrawn again, by a process that came at the same moment; an older one stays. */
const SETTLED = 1000;
const MOST_ATTEMPTS = 30;

/**
 * Milliseconds after which a run of another machine, in a folder that several mount, counts as dead: it writes a checkpoint
 * each minute.
 */
const SILENT = 5 * 60_000;

/**
 * Works in a folder while no other process may.
 * @param folder that is there
 * @throws CifarError INVALID_ARGUMENT if a run is at work in it, CANNOT_WRITE
 */
export async function holdRunFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const claim = await claimFolder(folder);
  try {
    return await work();
  } finally {
    await rm(claim, { force: true });
  }
}

async function claimFolder(folder: string): Promise<string> {
  const name = `.running-${process.pid}-${startOf(process.pid)}-${encodeURIComponent(hostname())}`;
  const path = join(folder, name);
  for (let attempt = 1; ; attempt++) {
    if (!(await createFile(path))) throw inUse(folder, name);
    const other = await findOther(folder, name).catch(async (error: unknown) => {
      await rm(path, { force: true });
      throw error;
    });
    if (other === undefined) return path;
    await rm(path, { force: true });
    if (other.age > SETTLED || attempt === MOST_ATTEMPTS) throw inUse(folder, other.name);
    // Not at the same moment again.
    await sleep(Math.random() * 200);
  }
}

/** @returns false if it is there */
async function createFile(path: string): Promise<boolean> {
  return writing(path, async () => {
    try {
      await writeFile(path, "", { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  });
}

/** Another process that works here, and for how long in milliseconds; what dead ones have left is deleted. */
async function findOther(folder: string, own: string): Promise<{ name: string; age: number } | undefined> {
  // By the clock of the file system, which may be that of another machine.
  const now = await timeOf(join(folder, own));
  for (const name of await readdir(folder)) {
    if (name === own || !CLAIM.test(name)) continue;
    const since = await timeOf(join(folder, name));
    if (since === undefined) continue;
    if (await isAlive(folder, name, now ?? since)) return { name, age: (now ?? since) - since };
    await rm(join(folder, name), { force: true });
  }
  return undefined;
}

async function isAlive(folder: string, name: string, now: number): Promise<boolean> {
  const [, pid = "", start, host = ""] = CLAIM.exec(name) ?? [];
  if (host === encodeURIComponent(hostname())) {
    if (!exists(Number(pid))) return false;
    // Numbers are given again to other processes, in containers always the same ones.
    if (start !== UNKNOWN) return start === startOf(Number(pid));
  }
  const { log, checkpoint } = runFiles(folder);
  const times = await Promise.all([join(folder, name), log, checkpoint].map(timeOf));
  return times.some((time) => time !== undefined && now - time < SILENT);
}

/** Whether there is a process of this number; one of another user counts. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const UNKNOWN = "0";

/**
 * When a process began, in ticks since the machine did; `0` where that cannot be known or it is dead and only not yet
 * waited for. See proc_pid_stat(5).
 */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, with whatever is in it; then come the state and 18 others.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? UNKNOWN : (fields[19] ?? UNKNOWN);
  } catch {
    return UNKNOWN;
  }
}

/** Milliseconds; undefined if there is no such file. */
async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

function inUse(folder: string, claim: string): CifarError {
  const [, pid, , host = ""] = CLAIM.exec(claim) ?? [];
  const where = host === encodeURIComponent(hostname()) ? "" : ` on ${decodeURIComponent(host)}`;
  return new CifarError(
    "INVALID_ARGUMENT",
    `${folder}: a run is at work in it (process ${pid}${where}): wait for its end or stop it, or choose another folder`,
  );
}
