import { printable } from "@cifar/cnn";

/** From the gravest down; a level also lets through those before it. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** What a line of the log may hold. */
type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

const GRAVITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** The watchdog's logging of a stream ends for good at a line of 64 KB; no text in a line may come near it. */
const LONGEST_TEXT = 2000;

/** Logs one JSON object a line: `time`, `level`, `message`, and the fields; what a terminal would obey is escaped. */
export function createLogger(level: LogLevel, write: (line: string) => void): Logger {
  return {
    log(of, message, fields = {}) {
      if (GRAVITY[of] > GRAVITY[level]) {
        return;
      }
      const line: Record<string, string | number | boolean> = {
        time: new Date().toISOString(),
        level: of,
        message: shorten(message),
      };
      for (const [name, value] of Object.entries(fields)) {
        if (value !== undefined) {
          line[name] = typeof value === "string" ? shorten(value) : value;
        }
      }
      write(`${printable(JSON.stringify(line))}\n`);
    },
  };
}

function shorten(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** Logs nothing, for functions inside a program that does its own logging. */
export const SILENT: Logger = { log: () => undefined };
