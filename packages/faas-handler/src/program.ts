import { enableRevectorization } from "@cifar/tensor/node";
import { checkModelFile, readConfig } from "./config.js";
import { createServer } from "./create.js";
import { createLogger } from "./log.js";

/** An error as the one line that ends a program. */
export function lineFor(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message.split("\n", 1)[0]! : String(thrown);
}

/**
 * Waits for the signal that ends a program.
 * @param loaded ends the wait too where it rejects: a function without its model serves nobody
 */
export function untilSignal(loaded: Promise<void>): Promise<"SIGTERM" | "SIGINT"> {
  return new Promise((resolve, reject) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    process.once("SIGINT", () => resolve("SIGINT"));
    loaded.catch(reject);
  });
}

/** What a program may do for speed: V8's 256-bit vectors, after a check that no result changes. */
export function tune(): string {
  return enableRevectorization().reason;
}

/**
 * The program of the image: configured by environment alone, ended by SIGTERM as the watchdog wants it.
 * @returns the exit code
 */
export async function runProgram(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  let logger = createLogger("info", (line) => process.stdout.write(line));
  try {
    const config = readConfig(environment);
    logger = createLogger(config.logLevel, (line) => process.stdout.write(line));
    checkModelFile(config);
    const server = createServer({ config, logger, tune });
    const port = await server.listen(config.port);
    logger.log("info", "listening", { port, msSinceStart: Math.round(performance.now()) });
    const signal = await untilSignal(server.loaded);
    logger.log("info", "draining", { signal, inflight: server.application.inflight });
    await server.stop(signal === "SIGTERM" ? config.drainTime : 0);
    logger.log("info", "ended");
    return 0;
  } catch (thrown) {
    logger.log("error", lineFor(thrown));
    return 1;
  }
}
