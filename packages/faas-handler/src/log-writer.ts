import { fstatSync, writeSync } from "node:fs";

/** What of the log may wait for its reader, in characters: enough for a pause, little beside what a container has. */
const MOST_WAITING = 2 ** 20;

/** What lines are written to: a stream, such as standard output. */
export interface LineTarget {
  readonly writableLength: number;
  readonly destroyed: boolean;
  write(text: string): boolean;
  on(event: "error" | "drain", listener: () => void): unknown;
}

/**
 * Writes what one turn of the event loop logs in one go: to a pipe each write is a system call that the turn waits for. A
 * reader that is gone, slow or full ends nothing and takes no memory: lines are dropped then, and the log says how many.
 */
export class LineWriter {
  readonly #target: () => LineTarget;
  #opened: LineTarget | undefined;
  #waiting: string[] = [];
  #dropped = 0;

  /** @param target opened with the first line */
  constructor(target: () => LineTarget) {
    this.#target = target;
  }

  /** Takes a line with its line feed. */
  write(line: string): void {
    if (this.#waiting.push(line) === 1) {
      setImmediate(() => this.flush());
    }
  }

  /** Writes what waits; to be called once more when the program exits. */
  flush(): void {
    const lines = this.#waiting;
    this.#waiting = [];
    if (lines.length === 0) {
      return;
    }
    const target = this.#open();
    if (target.destroyed || target.writableLength > MOST_WAITING) {
      this.#dropped += lines.length;
      return;
    }
    if (this.#dropped > 0) {
      lines.unshift(droppedLine(this.#dropped));
      this.#dropped = 0;
    }
    target.write(lines.join(""));
  }

  #open(): LineTarget {
    if (this.#opened === undefined) {
      this.#opened = this.#target();
      // What was lost with an error cannot be logged; without a listener it would end the process.
      this.#opened.on("error", () => undefined);
      this.#opened.on("drain", () => {
        if (this.#dropped > 0) {
          this.#opened?.write(droppedLine(this.#dropped));
          this.#dropped = 0;
        }
      });
    }
    return this.#opened;
  }
}

function droppedLine(count: number): string {
  const line = { time: new Date().toISOString(), level: "warn", message: "lines of the log were dropped", count };
  return `${JSON.stringify(line)}\n`;
}

/** Standard output; a file is written by hand, as Node's stream ends for good at the first full disk. */
function standardOutput(): LineTarget {
  return fstatSync(process.stdout.fd).isFile() ? fileTarget(process.stdout.fd) : process.stdout;
}

function fileTarget(file: number): LineTarget {
  return {
    writableLength: 0,
    destroyed: false,
    write(text) {
      try {
        writeSync(file, text);
      } catch {
        // There may be room again for the next line.
      }
      return true;
    },
    on: () => undefined,
  };
}

let output: LineWriter | undefined;

/** Writes a line to standard output. What is left is written when the process exits. */
export function writeLine(line: string): void {
  if (output === undefined) {
    const writer = new LineWriter(standardOutput);
    process.on("exit", () => writer.flush());
    output = writer;
  }
  output.write(line);
}
