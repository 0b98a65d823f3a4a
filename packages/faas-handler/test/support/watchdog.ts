import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../src/free-port.ts";

export interface Watchdog {
  readonly name: string;
  readonly command: readonly string[];
}

const STAND_IN: Watchdog = {
  name: "the stand-in",
  command: [process.execPath, fileURLToPath(new URL("fwatchdog.mjs", import.meta.url))],
};

function onPath(name: string): string | undefined {
  try {
    return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

const real = onPath("fwatchdog");

/** The stand-in, and the real watchdog where there is one. */
export const WATCHDOGS: readonly Watchdog[] =
  real === undefined ? [STAND_IN] : [STAND_IN, { name: "the real fwatchdog", command: [real] }];

export const NO_WATCHDOG = real === undefined ? " (the real one is skipped: no fwatchdog on PATH)" : "";

export interface Guarded {
  readonly url: string;
  /** Where the function itself listens. */
  readonly inner: number;
  readonly process: ChildProcess;
  /** What watchdog and function have written. */
  readonly lines: string[];
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** The program of the image, as the image starts it. */
export const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** Starts a watchdog that starts the function; resolves when both answer. */
export async function startGuarded(
  watchdog: Watchdog,
  environment: Record<string, string>,
  { awaitReady = true } = {},
): Promise<Guarded> {
  const [port, inner, metrics] = [await freePort(), await freePort(), await freePort()];
  const [command, ...args] = watchdog.command;
  // Its lock file is there: two watchdogs must not share one.
  const temporary = mkdtempSync(join(tmpdir(), "cifar-watchdog-"));
  const child = spawn(command!, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      TMPDIR: temporary,
      mode: "http",
      fprocess: `${process.execPath} ${PROGRAM}`,
      upstream_url: `http://127.0.0.1:${inner}`,
      http_port: String(inner),
      port: String(port),
      metrics_port: String(metrics),
      ready_path: "/_/ready",
      prefix_logs: "false",
      suppress_lock: "true",
      healthcheck_interval: "300ms",
      write_timeout: "5s",
      exec_timeout: "4s",
      ...environment,
    },
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream! }).on("line", (line) => lines.push(line));
  }
  const ended = once(child, "exit").then(([code]) => {
    rmSync(temporary, { recursive: true, force: true });
    return code as number | null;
  });
  const url = `http://127.0.0.1:${port}`;
  while (awaitReady && child.exitCode === null) {
    const response = await fetch(`${url}/_/ready`).catch(() => undefined);
    if (response?.status === 200) {
      break;
    }
    await sleep(20);
  }
  return {
    url,
    inner,
    process: child,
    lines,
    ended,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
