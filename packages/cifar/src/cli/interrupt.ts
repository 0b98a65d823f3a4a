import { ExitCode } from "./exit-codes.js";
import type { Output } from "./output.js";

/** Ctrl-C and its like while a command works. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back their usual effect. */
  release(): void;
}

/** The first SIGINT or SIGTERM asks the work to stop at the next good place, a second one ends the process at once. */
export function listenForInterrupt(output: Output, whatHappens: string): Interrupt {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    output.notice(`\n${whatHappens} (once more: at once)`);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
