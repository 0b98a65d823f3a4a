import { checkModelFile, readConfig } from "./config.js";
import { createServer } from "./create.js";
import { createLogger } from "./log.js";

/** An error as the one line that ends the program. */
export function lineFor(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message.split("\n", 1)[0]! : String(thrown);
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
    const server = createServer({ config, logger });
    const port = await server.listen(config.port);
    logger.log("info", "listening", { port, msSinceStart: Math.round(performance.now()) });
    const ended = new Promise<string>((resolve) => {
      process.once("SIGTERM", resolve);
      process.once("SIGINT", resolve);
    });
    const signal = await Promise.race([ended, server.loaded.then(() => ended)]);
    logger.log("info", "draining", { signal, inflight: server.application.inflight });
    await server.stop(signal === "SIGTERM" ? config.drainTime : 0);
    logger.log("info", "ended");
    return 0;
  } catch (thrown) {
    logger.log("error", lineFor(thrown));
    return 1;
  }
}
