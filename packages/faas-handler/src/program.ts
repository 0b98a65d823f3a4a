import { printable } from "@cifar/cnn";
import { checkModelFile, readConfig } from "./config.js";
import { createApplication, createServer, loadInto, type ServerOptions } from "./create.js";
import { writeLock } from "./lock-file.js";
import { createLogger } from "./log.js";
import { writeLine } from "./log-writer.js";
import type { FunctionServer } from "./server.js";

/** An error as the one line that ends a program, without what a terminal would obey: paths and model files have names. */
export function lineFor(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message.split("\n", 1)[0]! : String(thrown));
}

/** An exit code that shells take for an end by SIGINT. */
const INTERRUPTED = 130;

/**
 * Serves until a signal ends the program: SIGTERM as the watchdog wants it, SIGINT (Ctrl-C) at once. Further signals
 * change nothing, as what is in flight must be answered; only who presses Ctrl-C again does not wait for that.
 * @throws where the model cannot be loaded: a function without its model serves nobody
 */
export async function untilSignal(server: FunctionServer): Promise<void> {
  const { application } = server;
  const { config, logger } = application;
  let interrupted = false;
  const ended = new Promise<"SIGTERM" | "SIGINT">((resolve) => {
    process.on("SIGTERM", () => resolve("SIGTERM"));
    process.on("SIGINT", () => {
      if (interrupted) {
        process.exit(INTERRUPTED);
      }
      interrupted = true;
      resolve("SIGINT");
    });
  });
  // Nobody reads any more: no reason to leave requests unanswered.
  process.stderr.on("error", () => undefined);
  try {
    await Promise.race([ended, server.loaded]);
  } catch (error) {
    application.giveUp();
    await server.stop(0);
    throw error;
  }
  const signal = await ended;
  logger.log("info", "draining", { signal, inflight: application.inflight });
  await server.stop(signal === "SIGTERM" ? config.drainTime : 0);
  logger.log("info", "ended");
}

/** What programs do beyond what a library may; both change flags of V8. */
export const PROGRAM_OPTIONS = {
  tune: async () => (await import("./tuning.js")).tune(),
  collector: async () => (await import("./decoding/collector.js")).exposeCollector(),
} satisfies ServerOptions;

/**
 * Loads model and hooks and classifies one picture, so that the build of an image fails where its function would.
 * @returns the exit code
 */
export async function checkProgram(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const logger = createLogger("info", writeLine);
  try {
    const config = readConfig(environment);
    checkModelFile(config);
    const application = createApplication({ config, logger });
    await loadInto(application, {});
    await application.close();
    return 0;
  } catch (thrown) {
    logger.log("error", lineFor(thrown));
    return 1;
  }
}

/**
 * The program of the image: configured by environment alone, ended by SIGTERM as the watchdog wants it.
 * @returns the exit code
 */
export async function runProgram(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  let logger = createLogger("info", writeLine);
  let removeLock = (): void => undefined;
  try {
    const config = readConfig(environment);
    logger = createLogger(config.logLevel, writeLine);
    checkModelFile(config);
    const server = createServer({ config, logger, ...PROGRAM_OPTIONS });
    const port = await server.listen(config.port, config.host);
    logger.log("info", "listening", { port, msSinceStart: Math.round(performance.now()) });
    removeLock = writeLock(config.lockPath);
    await untilSignal(server);
    return 0;
  } catch (thrown) {
    logger.log("error", lineFor(thrown));
    return 1;
  } finally {
    removeLock();
  }
}
