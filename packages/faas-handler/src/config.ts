import { statSync } from "node:fs";
import { join } from "node:path";
import type { LogLevel } from "./log.js";

/** Thrown by `readConfig`; the message names the variable, what it may be and what it was. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly code = "INVALID_CONFIGURATION";
}

/** All that can be set from outside, each from the environment variable of the name in brackets. */
export interface Config {
  /** [model_path] The model file, default `./model.safetensors`. */
  readonly modelPath: string;
  /** [http_port] Where the watchdog expects the function; default 3000, 0 takes a free one. */
  readonly port: number;
  /** [http_host] The address it listens on; default 127.0.0.1, which is where the watchdog beside it looks for it. */
  readonly host: string;
  /**
   * [suppress_lock] The file that the watchdog's `/_/health` asks for, where the watchdog leaves it to the function to write
   * it: once it listens. Undefined where the watchdog writes it itself, or where there is none.
   */
  readonly lockPath: string | undefined;
  /** [max_body_bytes] Largest body that is held in memory; default 2 MiB. `/evaluate` streams and is not bound by it. */
  readonly maxBodyBytes: number;
  /** [max_pixels] Most pixels of a picture, read from its header before anything is unpacked; default 2^20, such as 1024 × 1024. */
  readonly maxPixels: number;
  /**
   * [max_pictures] Most pictures of one request, however they are sent, `/evaluate` apart; default 1000. Their pixels, as
   * the network takes them, may have twice `max_body_bytes`.
   */
  readonly maxPictures: number;
  /** [max_batch] Most pictures that are computed together; default 8. */
  readonly maxBatch: number;
  /** [max_inflight] Requests worked on at once; one more is answered with 429. Default 64; 0 is no limit: Infinity. */
  readonly maxInflight: number;
  /** [exec_timeout] The watchdog's time for a request, in milliseconds; default 30 s; 0 is no limit: Infinity. */
  readonly execTimeout: number;
  /**
   * [upload_timeout] How long the client may be waited for while its body comes, in milliseconds; 4 KiB more give a second
   * more. Default 5 s, 0 for as long as the request's own time.
   */
  readonly uploadTimeout: number;
  /** [answer_timeout] How long a client may take to read its answer, in milliseconds; default 10 s, 0 for ever. */
  readonly answerTimeout: number;
  /**
   * [healthcheck_interval] How long after SIGTERM requests may still arrive, in milliseconds. Where it is not set the
   * watchdog takes `write_timeout`, and so does this; where neither is set there is no watchdog and it is 0.
   */
  readonly drainTime: number;
  /** [threads] Threads that compute; default 1, which is what a limit of one core or less can feed. */
  readonly threads: number;
  /** [log_level] Default `info`: a line for each request, errors, start and end. */
  readonly logLevel: LogLevel;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Range {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

function wholeNumber(environment: Environment, name: string, range: Range): number {
  const text = environment[name];
  if (text === undefined || text === "") {
    return range.default;
  }
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw new ConfigurationError(`${name} must be a whole number from ${range.min} to ${range.max}, but is "${text}"`);
  }
  return value;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A duration as Go writes it (`1m30s`, `500ms`) or whole seconds (`30`), the two forms that the watchdog takes.
 * @returns milliseconds, or undefined where it is neither
 */
export function parseDuration(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) {
    return Number(text) * 1000;
  }
  if (!/^(\d{1,9}(\.\d{1,9})?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    return undefined;
  }
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    sum += Number(value) * UNITS[unit!]!;
  }
  return sum;
}

function duration(environment: Environment, name: string, fallback: number): number {
  const text = environment[name];
  if (text === undefined || text === "") {
    return fallback;
  }
  const value = parseDuration(text);
  // Longer timers than 2^31 − 1 ms would fire at once in Node.
  if (value === undefined || value > 2 ** 31 - 1) {
    throw new ConfigurationError(`${name} must be a duration such as 30s, 1m30s or 500ms, but is "${text}"`);
  }
  return value;
}

/** A limit that is switched off by 0, as the watchdog's own are. */
function orNone(limit: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}

/** Where the watchdog looks for its lock file: in the folder that Go takes for temporary files. */
function lockPath(environment: Environment): string | undefined {
  const isLeftToUs = ["true", "1"].includes(environment["suppress_lock"] ?? "");
  return isLeftToUs ? join(environment["TMPDIR"] || "/tmp", ".lock") : undefined;
}

const LOG_LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug"];

function logLevel(environment: Environment): LogLevel {
  const text = environment["log_level"] || "info";
  const level = LOG_LEVELS.find((each) => each === text);
  if (level === undefined) {
    throw new ConfigurationError(`log_level must be one of ${LOG_LEVELS.join(", ")}, but is "${text}"`);
  }
  return level;
}

/**
 * Reads the configuration from environment variables, checks it and fills in what is not set.
 * @throws ConfigurationError at the first variable that is not valid
 */
export function readConfig(environment: Environment): Config {
  const writeTimeout = duration(environment, "write_timeout", 0);
  return {
    modelPath: environment["model_path"] || "./model.safetensors",
    port: wholeNumber(environment, "http_port", { default: 3000, min: 0, max: 65535 }),
    host: environment["http_host"] || "127.0.0.1",
    lockPath: lockPath(environment),
    maxBodyBytes: wholeNumber(environment, "max_body_bytes", { default: 2 ** 21, min: 1, max: 2 ** 30 }),
    maxPixels: wholeNumber(environment, "max_pixels", { default: 2 ** 20, min: 1, max: 2 ** 28 }),
    maxPictures: wholeNumber(environment, "max_pictures", { default: 1000, min: 1, max: 1_000_000 }),
    maxBatch: wholeNumber(environment, "max_batch", { default: 8, min: 1, max: 1024 }),
    maxInflight: orNone(wholeNumber(environment, "max_inflight", { default: 64, min: 0, max: 100_000 })),
    execTimeout: orNone(duration(environment, "exec_timeout", 30_000)),
    uploadTimeout: orNone(duration(environment, "upload_timeout", 5000)),
    answerTimeout: orNone(duration(environment, "answer_timeout", 10_000)),
    drainTime: duration(environment, "healthcheck_interval", writeTimeout),
    threads: wholeNumber(environment, "threads", { default: 1, min: 1, max: 64 }),
    logLevel: logLevel(environment),
  };
}

/**
 * Checks that the model file is there, so that a wrong path ends the program at once and not minutes later.
 * @throws ConfigurationError
 */
export function checkModelFile(config: Config): void {
  if (statSync(config.modelPath, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ConfigurationError(`model_path must name a model file, but there is none at "${config.modelPath}"`);
  }
}
