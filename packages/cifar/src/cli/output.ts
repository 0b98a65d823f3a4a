import { printable } from "@cifar/cnn";
import { CifarError, reasonOf } from "../errors.js";
import { printableJson, printableLines } from "./printable.js";

/** The streams of a process, or what a test puts in their place. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

/** Flags that every command takes. */
export interface OutputOptions {
  /** One JSON object, or one event a line, on stdout; everything else on stderr. */
  readonly json?: boolean;
  /** Results and errors alone. */
  readonly quiet?: boolean;
}

/** Where a command's words go, printable: results to stdout, what is said on the way to stderr. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** What is drawn on the terminal's last line: any other line takes its place. */
  bar: { close(): void } | undefined;
  readonly #streams: Streams;
  readonly #said = new Set<string>();
  /** True when stdout holds a file that was asked for. */
  #stdoutTaken = false;

  constructor(options: OutputOptions, streams: Streams = process) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    this.#streams = streams;
  }

  /** True where a bar may be drawn and redrawn: on a terminal that can move its cursor, with no events in between. */
  get live(): boolean {
    const { stdout, stderr } = this.#streams;
    const canMove = stderr.isTTY === true && process.env["TERM"] !== "dumb";
    return canMove && !this.quiet && !(this.json && stdout.isTTY === true);
  }

  get stderr(): Streams["stderr"] {
    return this.#streams.stderr;
  }

  /** What the command was asked for: `value` as JSON, else `text`. */
  result(value: unknown, text: string): void {
    if (this.#stdoutTaken && this.quiet) return;
    this.bar?.close();
    const stream = this.#stdoutTaken ? this.#streams.stderr : this.#streams.stdout;
    stream.write(this.json ? `${printableJson(value)}\n` : `${printableLines(text)}\n`);
  }

  /**
   * The bytes of a file to stdout; the result is told on stderr then.
   * @throws CifarError INVALID_ARGUMENT if stdout is a terminal; CANNOT_WRITE
   */
  async bytes(bytes: Uint8Array): Promise<void> {
    if (this.#streams.stdout.isTTY) {
      throw new CifarError("INVALID_ARGUMENT", "standard output is a terminal: send it to a file or to a program");
    }
    this.#stdoutTaken = true;
    await new Promise<void>((resolve, reject) => {
      this.#streams.stdout.write(bytes, (error) => {
        if (error) reject(new CifarError("CANNOT_WRITE", `cannot write to standard output: ${reasonOf(error)}`));
        else resolve();
      });
    });
  }

  /** An event of a run; only JSON shows it. */
  event(value: unknown): void {
    if (this.json) this.#streams.stdout.write(`${printableJson(value)}\n`);
  }

  /** A line on the way; not shown when quiet. */
  notice(line: string): void {
    if (this.quiet) return;
    this.bar?.close();
    this.#streams.stderr.write(`${printable(line)}\n`);
  }

  /** Puts what comes next below the `^C` that a terminal shows where Ctrl-C is typed; on a bar it goes with the bar. */
  endEcho(): void {
    if (this.quiet || this.#streams.stderr.isTTY !== true) return;
    if (this.bar === undefined) this.#streams.stderr.write("\n");
    else this.bar.close();
  }

  /** A line that is worth saying once, however often it comes up. */
  noticeOnce(line: string): void {
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.notice(line);
  }

  /** Always shown. */
  error(line: string): void {
    this.bar?.close();
    this.#streams.stderr.write(`cifar: ${printable(line)}\n`);
  }
}
