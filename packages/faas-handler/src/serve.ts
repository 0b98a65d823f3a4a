import { accessSync, constants, existsSync, statSync, watch } from "node:fs";
import { createRequire } from "node:module";
import { isIPv6 } from "node:net";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { printable } from "@cifar/cnn";
import { type Config, ConfigurationError, checkModelFile, readConfig } from "./config.js";
import { createServer, loadInto } from "./create.js";
import { freePort, isFree } from "./free-port.js";
import { hooksPath } from "./load-hooks.js";
import { writeLock } from "./lock-file.js";
import { createLogger, type Logger } from "./log.js";
import { writeLine } from "./log-writer.js";
import { lineFor, PROGRAM_OPTIONS, untilSignal } from "./program.js";
import { serveBehind, whyNoWatchdog } from "./serve-behind.js";
import type { FunctionServer } from "./server.js";

const HELP = `Usage: cifar serve [options]

Runs the OpenFaaS function on this machine: the very server of the image, with its routes, limits and log.

Options:
  -m, --model <file>    model file or folder of a run; default: ./model.safetensors, else the weights that come with
                        the package. A handler.js beside it brings the function's own hooks.
  -p, --port <n>        default 8080; 0 takes a free one
      --host <address>  default 127.0.0.1; no watchdog is put in front then, as it listens on every address
      --watch           takes up the model or handler.js anew when one of them changes
      --watchdog <file> puts this of-watchdog in front; default: fwatchdog where it is on PATH
      --no-watchdog     puts none in front
  -h, --help            says this

Everything else is configured as in the cluster, by environment: max_body_bytes, max_pixels, max_pictures,
max_batch, max_inflight, exec_timeout, threads, log_level.
`;

const OPTIONS = {
  model: { type: "string", short: "m" },
  port: { type: "string", short: "p", default: "8080" },
  host: { type: "string" },
  watch: { type: "boolean", default: false },
  watchdog: { type: "string" },
  "no-watchdog": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const satisfies ParseArgsConfig["options"];

/** Exit codes as those of the command `cifar`. */
const EXIT = { ok: 0, failure: 1, usage: 2, input: 3 } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of a run holds its model under this name, and so does the folder of a function. */
const MODEL_FILE = "model.safetensors";

function modelPath(named: string | undefined, environment: Environment): string {
  if (named !== undefined) {
    return statSync(named, { throwIfNoEntry: false })?.isDirectory() === true ? join(named, MODEL_FILE) : named;
  }
  if (environment["model_path"]) {
    return environment["model_path"];
  }
  if (existsSync(MODEL_FILE)) {
    return MODEL_FILE;
  }
  const cifar = createRequire(import.meta.url).resolve("@cifar/cifar/package.json");
  const own = join(dirname(cifar), "models", "cifar10.safetensors");
  if (!existsSync(own)) {
    throw new ConfigurationError("there is no model.safetensors here and no weights with the package: name a --model");
  }
  return own;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function findWatchdog(environment: Environment): string | undefined {
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "fwatchdog")).find(isExecutable);
}

export interface ServeOptions {
  /** Default: the process's. */
  readonly environment?: Environment;
  /** Whether to say where it serves; false behind a watchdog, whose address is the one that counts. */
  readonly announces?: boolean;
}

/**
 * The command `cifar serve`.
 * @param words what follows it
 * @returns the exit code
 */
export async function serve(words: readonly string[], options: ServeOptions = {}): Promise<number> {
  const { environment = process.env, announces = true } = options;
  let flags: ReturnType<typeof parseFlags>;
  try {
    flags = parseFlags(words);
  } catch (error) {
    return fail(error, EXIT.usage);
  }
  if (flags.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  try {
    const model_path = modelPath(flags.model, environment);
    const config = readConfig({ ...environment, model_path, http_port: flags.port });
    checkModelFile(config);
    const watchdog = await chooseWatchdog(flags, config, environment);
    if (watchdog === undefined) {
      return await serveHere(config, { ...flags, announces });
    }
    if (config.port !== 0 && !(await isFree(config.port))) {
      throw portTaken(config.port);
    }
    const model = resolve(config.modelPath);
    return await serveBehind({
      watchdog,
      program: { url: import.meta.url, words: (port) => wordsBehind({ port, model, watch: flags.watch }) },
      port: config.port === 0 ? await freePort() : config.port,
      environment,
      onServing: (url) => say(`Serving ${config.modelPath} behind ${watchdog} at ${url}`),
    });
  } catch (error) {
    return fail(error, error instanceof ConfigurationError ? EXIT.input : EXIT.failure);
  }
}

type Flags = ReturnType<typeof parseFlags>;

function parseFlags(words: readonly string[]) {
  const flags = parseArgs({ args: [...words], options: OPTIONS, allowPositionals: false }).values;
  if (flags.host !== undefined && flags.watchdog !== undefined) {
    throw new TypeError("--host and --watchdog exclude each other: a watchdog listens on every address");
  }
  return flags;
}

/** The watchdog to put in front, if any; where there can be none it says why. */
async function chooseWatchdog(flags: Flags, config: Config, environment: Environment): Promise<string | undefined> {
  if (flags["no-watchdog"] || flags.host !== undefined) {
    return undefined;
  }
  const watchdog = flags.watchdog ?? findWatchdog(environment);
  const reason = watchdog === undefined ? undefined : await whyNoWatchdog(config.port);
  if (reason === undefined) {
    return watchdog;
  }
  say(`cifar serve: no watchdog is put in front: ${reason}`);
  return undefined;
}

/** The same command again, as the function that the watchdog starts. */
function wordsBehind(options: { port: number; model: string; watch: boolean }): string[] {
  const { port, model, watch } = options;
  return ["--no-watchdog", "--port", String(port), "--model", model, ...(watch ? ["--watch"] : [])];
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What the configuration calls by the environment's names, as the command line names it. */
const FLAGS = new Map([
  ["http_port", "--port"],
  ["model_path", "--model"],
]);

function fail(error: unknown, code: number): number {
  const line = lineFor(error).replace(/^\w+/, (name) => FLAGS.get(name) ?? name);
  say(`cifar serve: ${line}`);
  return code;
}

/** An address of this machine as the part of a URL that names it (RFC 3986, 3.2.2; RFC 6874 for a zone). */
function inUrl(host: string): string {
  return isIPv6(host) ? `[${host.replace("%", "%25")}]` : host;
}

async function serveHere(config: Config, options: Flags & { readonly announces: boolean }): Promise<number> {
  const { host = "127.0.0.1", watch: watches, announces } = options;
  const logger = createLogger(config.logLevel, writeLine);
  const server = createServer({ config, logger, ...PROGRAM_OPTIONS });
  const port = await server.listen(config.port, host).catch((error: unknown) => {
    throw isTaken(error) ? portTaken(config.port, error) : error;
  });
  const removeLock = writeLock(config.lockPath);
  const unwatch = watches ? watchFiles(server, logger) : () => undefined;
  // Where the model cannot be loaded, that is what ends the program below.
  server.loaded.then(
    () => announces && say(`Serving ${printable(config.modelPath)} at http://${inUrl(host)}:${port}`),
    () => undefined,
  );
  try {
    await untilSignal(server);
  } finally {
    unwatch();
    removeLock();
  }
  return EXIT.ok;
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function portTaken(port: number, cause?: unknown): Error {
  return new Error(`port ${port} is in use already; name another with --port, or 0 for a free one`, { cause });
}

/** Editors and training write a file in several steps; what follows within this time is one change. */
const SETTLE_MS = 100;

/** Takes up model and hooks anew when one of them changes; what cannot be loaded leaves the old ones in place. */
function watchFiles({ application }: FunctionServer, logger: Logger): () => void {
  const { config } = application;
  const folder = dirname(resolve(config.modelPath));
  const names = new Set([basename(config.modelPath), basename(hooksPath(config))]);
  let version = 0;
  let timer: NodeJS.Timeout | undefined;
  const reload = async (): Promise<void> => {
    version++;
    try {
      await loadInto(application, PROGRAM_OPTIONS, version);
    } catch (error) {
      logger.log("error", `not taken up: ${lineFor(error)}`);
    }
  };
  const watcher = watch(folder, (_event, name) => {
    if (name !== null && names.has(name)) {
      clearTimeout(timer);
      timer = setTimeout(() => void reload(), SETTLE_MS);
    }
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
