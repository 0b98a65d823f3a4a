import { ExitCode } from "./exit-codes.js";
import type { Output } from "./output.js";

/** Ctrl-C and its like while a command works. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back their usual effect. */
  release(): void;
}

/** Milliseconds within which a second signal is the first one again: under npm, Ctrl-C may arrive from both sides. */
const SAME_SIGNAL = 300;

/** The first SIGINT or SIGTERM asks the work to stop at the next good place, a second one ends the process at once. */
export function listenForInterrupt(output: Output, whatHappens: string): Interrupt {
  const controller = new AbortController();
  let asked = 0;
  const onSignal = () => {
    if (controller.signal.aborted) {
      if (performance.now() - asked <= SAME_SIGNAL) return;
      // A bar that had no time to end has hidden the cursor.
      if (output.live) output.stderr.write("\x1b[?25h");
      process.exit(ExitCode.interrupted);
    }
    asked = performance.now();
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
