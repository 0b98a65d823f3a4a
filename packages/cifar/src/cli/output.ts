import { printable } from "@cifar/cnn";
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
    this.bar?.close();
    this.#streams.stdout.write(this.json ? `${printableJson(value)}\n` : `${printableLines(text)}\n`);
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
