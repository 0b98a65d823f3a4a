import { CnnError, printable } from "@cifar/cnn";
import { TensorError } from "@cifar/tensor";
import { CifarError, type CifarErrorCode, reasonOf } from "../errors.js";

/** What the command's exit status means; the README lists them. */
export const ExitCode = {
  ok: 0,
  /** Anything without a code of its own. */
  failure: 1,
  /** An unknown or impossible flag, argument or value. */
  usage: 2,
  /** Data, a model or a picture is missing, cut, altered or not what it should be. */
  input: 3,
  /** A file or folder cannot be written: disk full, no permission. */
  output: 4,
  /** Training ran into NaN or infinity. */
  diverged: 5,
  /** The data could not be downloaded. */
  network: 6,
  /** Stopped by Ctrl-C, SIGTERM, SIGHUP or the loss of its reader; what was done is kept. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const BY_CIFAR_CODE: Readonly<Record<CifarErrorCode, ExitCode>> = {
  NOT_FOUND: ExitCode.input,
  INVALID_DATA: ExitCode.input,
  INVALID_PICTURE: ExitCode.input,
  PICTURE_TOO_LARGE: ExitCode.input,
  CANNOT_WRITE: ExitCode.output,
  DOWNLOAD_FAILED: ExitCode.network,
  INVALID_ARGUMENT: ExitCode.usage,
  ABORTED: ExitCode.interrupted,
};

const WRITE_ERRORS: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS"]);

/** The exit status for whatever a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CifarError) return BY_CIFAR_CODE[error.code];
  if (error instanceof CnnError) {
    switch (error.code) {
      case "NOT_FINITE":
        return ExitCode.diverged;
      case "ABORTED":
        return ExitCode.interrupted;
      case "INVALID_FILE":
      case "SHAPE_MISMATCH":
      case "CHECKPOINT_MISMATCH":
        return ExitCode.input;
      case "INVALID_ARGUMENT":
      case "BACKEND_UNAVAILABLE":
        return ExitCode.usage;
      default:
        return ExitCode.failure;
    }
  }
  if (error instanceof TensorError) {
    return error.code === "INVALID_ARGUMENT" || error.code === "BACKEND_UNAVAILABLE"
      ? ExitCode.usage
      : ExitCode.failure;
  }
  if (error instanceof Error && WRITE_ERRORS.has((error as NodeJS.ErrnoException).code)) return ExitCode.output;
  return ExitCode.failure;
}

/** One line for whatever a command threw, without a stack, as a terminal may show it. */
export function messageOf(error: unknown): string {
  const message = error instanceof CifarError || error instanceof CnnError ? error.message : reasonOf(error);
  return printable(message.replace(/\s*\n\s*/g, " ").trim()) || "unknown error";
}
