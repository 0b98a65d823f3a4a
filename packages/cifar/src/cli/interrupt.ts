import { ExitCode } from "./exit-codes.js";
import type { Output } from "./output.js";

/** What asks a command to stop while it works: Ctrl-C and its like, and the loss of whoever reads its results. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Set where it stops because of an error that is to be told at its end. */
  readonly failure: Error | undefined;
  /** Gives the signals back their usual effect. */
  release(): void;
}

/** Milliseconds within which a second signal is the first one again: under npm, Ctrl-C may arrive from both sides. */
const SAME_SIGNAL = 300;

/** Of the command at work, as signals are those of the whole process. */
let askWork: ((why: string, failure: Error | undefined) => void) | undefined;

/**
 * Asks the command at work to stop at the next good place.
 * @param why said before what happens now
 * @returns false where nothing is at work that listens
 */
export function askToStop(why: string, failure?: Error): boolean {
  askWork?.(why, failure);
  return askWork !== undefined;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP asks the work to stop at the next good place. A second SIGINT or SIGTERM ends the
 * process at once; a second SIGHUP does not, since a terminal that is closed, its shell and npx send one each, when they
 * come to it.
 */
export function listenForInterrupt(output: Output, whatHappens: string): Interrupt {
  const controller = new AbortController();
  let asked = 0;
  let failure: Error | undefined;
  const ask = (line: string) => {
    if (controller.signal.aborted) return;
    asked = performance.now();
    output.notice(line);
    controller.abort();
  };
  const onSignal = () => {
    if (!controller.signal.aborted) {
      output.endEcho();
      return ask(`${whatHappens} (once more: at once)`);
    }
    if (performance.now() - asked <= SAME_SIGNAL) return;
    output.bar?.close();
    process.exit(ExitCode.interrupted);
  };
  const onHangup = () => ask(whatHappens);
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("SIGHUP", onHangup);
  askWork = (why, reason) => {
    failure ??= reason;
    ask(`${why}: ${whatHappens}`);
  };
  return {
    signal: controller.signal,
    get failure() {
      return failure;
    },
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      process.off("SIGHUP", onHangup);
      askWork = undefined;
    },
  };
}
