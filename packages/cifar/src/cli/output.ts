import { printable } from "@cifar/cnn";
import { printableJson, printableLines } from "./printable.js";

/** The streams of a process, or what a test puts in their place. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
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
  readonly #streams: Streams;
  readonly #said = new Set<string>();

  constructor(options: OutputOptions, streams: Streams = process) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    this.#streams = streams;
  }

  /** True where a bar may be drawn and redrawn. */
  get live(): boolean {
    return this.#streams.stderr.isTTY === true && !this.quiet;
  }

  get stderr(): NodeJS.WritableStream {
    return this.#streams.stderr;
  }

  /** What the command was asked for: `value` as JSON, else `text`. */
  result(value: unknown, text: string): void {
    this.#streams.stdout.write(this.json ? `${printableJson(value)}\n` : `${printableLines(text)}\n`);
  }

  /** An event of a run; only JSON shows it. */
  event(value: unknown): void {
    if (this.json) this.#streams.stdout.write(`${printableJson(value)}\n`);
  }

  /** A line on the way; not shown when quiet. */
  notice(line: string): void {
    if (!this.quiet) this.#streams.stderr.write(`${printable(line)}\n`);
  }

  /** A line that is worth saying once, however often it comes up. */
  noticeOnce(line: string): void {
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.notice(line);
  }

  /** Always shown. */
  error(line: string): void {
    this.#streams.stderr.write(`cifar: ${printable(line)}\n`);
  }
}
