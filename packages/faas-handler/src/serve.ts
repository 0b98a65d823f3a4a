import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, existsSync, statSync, watch } from "node:fs";
import { createRequire } from "node:module";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { printable } from "@cifar/cnn";
import { type Config, ConfigurationError, checkModelFile, readConfig } from "./config.js";
import { createServer, loadInto } from "./create.js";
import { freePort } from "./free-port.js";
import { hooksPath } from "./load-hooks.js";
import { createLogger, type Logger } from "./log.js";
import { writeLine } from "./log-writer.js";
import { lineFor, PROGRAM_OPTIONS, untilSignal } from "./program.js";
import type { FunctionServer } from "./server.js";

const HELP = `Usage: cifar serve [options]

Runs the OpenFaaS function on this machine: the very server of the image, with its routes, limits and log.

Options:
  -m, --model <file>    model file or folder of a run; default: ./model.safetensors, else the weights that come with
                        the package. A handler.js beside it brings the function's own hooks.
  -p, --port <n>        default 8080; 0 takes a free one
      --host <name>     default 127.0.0.1
      --watch           takes up the model or handler.js anew when one of them changes
      --watchdog <file> puts this of-watchdog in front; default: fwatchdog where it is on PATH
      --no-watchdog     puts none in front
  -h, --help            says this

Everything else is configured as in the cluster, by environment: max_body_bytes, max_pixels, max_batch, max_inflight,
exec_timeout, threads, log_level.
`;

const OPTIONS = {
  model: { type: "string", short: "m" },
  port: { type: "string", short: "p", default: "8080" },
  host: { type: "string", default: "127.0.0.1" },
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

/**
 * The command `cifar serve`.
 * @param words what follows it
 * @returns the exit code
 */
export async function serve(words: readonly string[], environment: Environment = process.env): Promise<number> {
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
    const model = modelPath(flags.model, environment);
    const config = readConfig({ ...environment, model_path: model, http_port: flags.port });
    checkModelFile(config);
    const watchdog = flags["no-watchdog"] ? undefined : (flags.watchdog ?? findWatchdog(environment));
    return watchdog === undefined
      ? await serveHere(config, flags)
      : await serveBehind(watchdog, { config, watch: flags.watch, environment });
  } catch (error) {
    return fail(error, error instanceof ConfigurationError ? EXIT.input : EXIT.failure);
  }
}

function parseFlags(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: false }).values;
}

/** What the configuration calls by the environment's names, as the command line names it. */
const FLAGS = new Map([
  ["http_port", "--port"],
  ["model_path", "--model"],
]);

function fail(error: unknown, code: number): number {
  const line = lineFor(error).replace(/^\w+/, (name) => FLAGS.get(name) ?? name);
  process.stderr.write(`cifar serve: ${line}\n`);
  return code;
}

async function serveHere(config: Config, flags: { host: string; watch: boolean }): Promise<number> {
  const logger = createLogger(config.logLevel, writeLine);
  const server = createServer({ config, logger, ...PROGRAM_OPTIONS });
  const port = await server.listen(config.port, flags.host).catch((error: unknown) => {
    throw isTaken(error) ? portTaken(config.port, error) : error;
  });
  process.stderr.write(`Serving ${printable(config.modelPath)} at http://${flags.host}:${port}\n`);
  const unwatch = flags.watch ? watchFiles(server, logger) : () => undefined;
  try {
    await untilSignal(server);
  } finally {
    unwatch();
  }
  return EXIT.ok;
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function portTaken(port: number, cause: unknown): Error {
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

interface BehindOptions {
  readonly config: Config;
  readonly watch: boolean;
  readonly environment: Environment;
}

/** The same command again, as the function that the watchdog starts. */
const COMMAND = fileURLToPath(new URL("../bin/cifar-serve.js", import.meta.url));

async function serveBehind(watchdog: string, { config, watch, environment }: BehindOptions): Promise<number> {
  const [port, inner] = [config.port === 0 ? await freePort() : config.port, await freePort()];
  const words = [
    process.execPath,
    COMMAND,
    "--no-watchdog",
    "--port",
    String(inner),
    "--model",
    resolve(config.modelPath),
  ];
  const child = spawn(watchdog, {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      mode: "http",
      ready_path: "/_/ready",
      prefix_logs: "false",
      healthcheck_interval: "1s",
      ...environment,
      fprocess: [...words, ...(watch ? ["--watch"] : [])].join(" "),
      upstream_url: `http://127.0.0.1:${inner}`,
      port: String(port),
    },
  });
  process.stderr.write(`Serving ${printable(config.modelPath)} behind ${watchdog} at http://127.0.0.1:${port}\n`);
  return exitOf(child);
}

/** Passes the signals on that end this program, and waits. */
async function exitOf(child: ChildProcess): Promise<number> {
  const stop = (): void => void child.kill("SIGTERM");
  process.on("SIGTERM", stop).on("SIGINT", stop);
  const [code] = await once(child, "exit");
  process.off("SIGTERM", stop).off("SIGINT", stop);
  return typeof code === "number" ? code : EXIT.failure;
}
