/*
 * Imported before a program, it takes the right to start further threads from this process, as `ulimit -u` does from the
 * next one: how many Node needs for itself depends on its version. Not for root, who has no limit.
 */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";

// Node starts its threads for files with the first one.
await readFile("/dev/null");
execFileSync("prlimit", ["--pid", `${process.pid}`, "--nproc=1:1"]);
