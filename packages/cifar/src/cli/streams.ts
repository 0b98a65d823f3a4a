import { closeSync } from "node:fs";
import { isatty } from "node:tty";
import { CifarError, reasonOf } from "../errors.js";
import { ExitCode } from "./exit-codes.js";
import { askToStop } from "./interrupt.js";

/**
 * Says what happens where stdout or stderr can no longer be written to, which would end the process by an exception: the
 * disk is full, the reader of a pipe has ended, the terminal is closed.
 */
export function watchStreams(): void {
  // What is said on the way is not what the command was asked for, and nobody is left to hear of it.
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The terminal is gone and this process was told to outlive it, or has had its SIGHUP.
    if (error.code === "EIO") return;
    if (error.code === "EPIPE") {
      if (askToStop("nobody reads the events any more")) return;
      // A reader that has seen enough, such as head, is no error.
      process.exit();
    }
    const message = `standard output cannot be written: ${reasonOf(error)}`;
    const failure = new CifarError("CANNOT_WRITE", message, { cause: error });
    if (askToStop(message, failure)) return;
    process.stderr.write(`cifar: ${message}\n`);
    process.exit(ExitCode.output);
  });
  leaveClosedTerminals();
}

/**
 * Node aborts at its end (`ResetStdio` in node.cc) where it cannot give a terminal its settings back because that is closed;
 * it passes over what the program itself has closed.
 */
function leaveClosedTerminals(): void {
  const terminals = [0, 1, 2].filter(isatty);
  process.on("exit", () => {
    for (const terminal of terminals) if (!isatty(terminal)) closeSync(terminal);
  });
}
