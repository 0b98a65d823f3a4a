import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, isFree } from "./free-port.js";

/** Where of-watchdog keeps its metrics, on every address; no setting of it names another port. */
const METRICS_PORT = 8081;

export interface BehindOptions {
  /** The program to put in front. */
  readonly watchdog: string;
  /** What it starts: this module's function `serve`, called with the words that `words` makes of the port to listen on. */
  readonly program: { readonly url: string; words(port: number): readonly string[] };
  /** Where the watchdog is to listen. */
  readonly port: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called with the address once all of it answers. */
  readonly onServing: (url: string) => void;
}

/** Why there can be no watchdog in front, or undefined where there can: it would panic. */
export async function whyNoWatchdog(port: number): Promise<string | undefined> {
  if (port === METRICS_PORT) {
    return `its metrics take port ${METRICS_PORT} themselves`;
  }
  return (await isFree(METRICS_PORT))
    ? undefined
    : `its metrics need port ${METRICS_PORT}, which is in use already, by another watchdog perhaps`;
}

/**
 * Serves behind a watchdog until it ends.
 * @returns its exit code
 * @throws Error where it cannot be started
 */
export async function serveBehind({ watchdog, program, port, environment, onServing }: BehindOptions): Promise<number> {
  const inner = await freePort();
  // Its lock file is there: with another watchdog's it would be well when that one is, and end with it.
  const temporary = mkdtempSync(join(tmpdir(), "cifar-serve-"));
  const over = new AbortController();
  const child = spawn(watchdog, {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      mode: "http",
      ready_path: "/_/ready",
      prefix_logs: "false",
      suppress_lock: "true",
      healthcheck_interval: "1s",
      ...environment,
      TMPDIR: temporary,
      PATH: [dirname(process.execPath), environment["PATH"] ?? ""].join(delimiter),
      fprocess: commandFor(program.url, program.words(inner)),
      upstream_url: `http://127.0.0.1:${inner}`,
      port: String(port),
    },
  });
  const url = `http://127.0.0.1:${port}`;
  void untilAnswered([`http://127.0.0.1:${inner}/_/ready`, `${url}/_/health`], over.signal).then(
    () => onServing(url),
    () => undefined,
  );
  try {
    return await exitOf(child);
  } finally {
    over.abort();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The watchdog cuts its command at every space, quoted or not: what holds one goes into a string of JavaScript. */
function commandFor(module: string, words: readonly string[]): string {
  const call = `serve(${JSON.stringify(words)},{announces:false})`;
  const script = `import(${JSON.stringify(module)}).then(({serve})=>${call}).then(process.exit)`;
  return `${basename(process.execPath)} --eval=${script.replaceAll(" ", "\\u0020")}`;
}

/** Resolves when all addresses answer with 200. */
async function untilAnswered(urls: readonly string[], signal: AbortSignal): Promise<void> {
  const isOk = (url: string): Promise<boolean> =>
    fetch(url, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await Promise.all(urls.map(isOk))).every(Boolean)) {
    await sleep(25, undefined, { signal });
  }
}

/** Passes the signals on that end this program, and waits. */
async function exitOf(child: ChildProcess): Promise<number> {
  const stop = (): void => void child.kill("SIGTERM");
  process.on("SIGTERM", stop).on("SIGINT", stop);
  try {
    const [code] = await once(child, "exit");
    return typeof code === "number" ? code : 1;
  } finally {
    process.off("SIGTERM", stop).off("SIGINT", stop);
  }
}
