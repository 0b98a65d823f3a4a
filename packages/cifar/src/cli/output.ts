import { CifarError, reasonOf } from "../errors.js";

/** The streams of a process, or what a test puts in their place. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Flags that every command takes. */
export interface OutputOptions {
  /** One JSON object, or one event a line, on stdout; everything else on stderr. */
  readonly json?: boolean;
  /** Results and errors alone. */
  readonly quiet?: boolean;
}

/** Where a command's words go: results to stdout, what is said on the way to stderr. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #streams: Streams;
  readonly #said = new Set<string>();
  /** True when stdout holds a file that was asked for. */
  #stdoutTaken = false;

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
    if (this.#stdoutTaken && this.quiet) return;
    const stream = this.#stdoutTaken ? this.#streams.stderr : this.#streams.stdout;
    stream.write(this.json ? `${JSON.stringify(value)}\n` : `${text}\n`);
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
    if (this.json) this.#streams.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A line on the way; not shown when quiet. */
  notice(line: string): void {
    if (!this.quiet) this.#streams.stderr.write(`${line}\n`);
  }

  /** A line that is worth saying once, however often it comes up. */
  noticeOnce(line: string): void {
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.notice(line);
  }

  /** Always shown. */
  error(line: string): void {
    this.#streams.stderr.write(`cifar: ${line}\n`);
  }
}
