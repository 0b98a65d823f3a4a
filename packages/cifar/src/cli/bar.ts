import { Writable } from "node:stream";
import { type Options, type Params, Presets, SingleBar } from "cli-progress";
import type { Output } from "./output.js";

/** What a bar shows. */
export interface BarState {
  readonly value: number;
  readonly total: number;
  /** Before the bar. */
  readonly head: string;
  /** After it, what matters most first: on a narrow terminal the last ones give way. */
  readonly parts: readonly string[];
}

/** Characters of the bar itself. */
const WIDEST_BAR = 24;
const NARROWEST_BAR = 8;

/**
 * A bar on a terminal's last line. It changes no mode of the terminal, neither cursor nor wrapping, so that nothing is left
 * to restore however the process ends.
 */
export class Bar {
  readonly #output: Output;
  #bar: SingleBar | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Draws it; after another line has taken its place, anew. */
  update({ value, total, ...shown }: BarState): void {
    if (this.#bar !== undefined) {
      this.#bar.setTotal(total);
      this.#bar.update(value, shown);
      return;
    }
    this.#bar = new SingleBar(
      { format, stream: new Row(this.#output.stderr), clearOnComplete: true, linewrap: true, fps: 8 },
      Presets.shades_classic,
    );
    this.#output.bar = this;
    this.#bar.start(total, value, shown);
  }

  /** Takes it off the terminal. */
  close(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#output.bar = undefined;
  }
}

/**
 * The terminal without the cursor's saved place, to which cli-progress returns before it clears the bar: it is another one
 * once lines have scrolled or the window has changed its size. Without it the row is cleared in which the cursor is.
 */
class Row extends Writable {
  readonly isTTY = true;
  readonly #terminal: Output["stderr"];

  constructor(terminal: Output["stderr"]) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
  }

  get columns(): number | undefined {
    return this.#terminal.columns;
  }

  override _write(text: string, _: BufferEncoding, done: () => void): void {
    if (text !== "\x1b7" && text !== "\x1b8") this.#terminal.write(text);
    done();
  }
}

/** Columns that stay free: for the `^C` that a terminal adds, and since one whose last is written to may begin a new line. */
const FREE = 3;

function format(options: Options, params: Params, payload: Omit<BarState, "value">): string {
  return barLine(params.maxWidth - FREE, params.progress, payload, options);
}

/** The line of a bar that fits into `width` characters. */
export function barLine(
  width: number,
  progress: number,
  { head, parts }: Pick<BarState, "head" | "parts">,
  { barCompleteChar = "=", barIncompleteChar = "-" }: Options = {},
): string {
  const percentage = `${Math.floor(progress * 100)} %`;
  const lengthOf = (words: readonly string[]) => words.join("  ").length;
  const shown: string[] = [];
  for (const part of parts) {
    if (lengthOf([`${head}  ${percentage}`, ...shown, part]) + NARROWEST_BAR > width) break;
    shown.push(part);
  }
  const rest = width - lengthOf([`${head}  ${percentage}`, ...shown]);
  if (rest < NARROWEST_BAR) return `${head} ${percentage}`.slice(0, Math.max(0, width));
  const size = Math.min(WIDEST_BAR, rest);
  const complete = Math.round(progress * size);
  const bar = barCompleteChar.repeat(complete) + barIncompleteChar.repeat(size - complete);
  return [`${head} ${bar} ${percentage}`, ...shown].join("  ");
}
