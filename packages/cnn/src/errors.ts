/** What went wrong, stable across versions, for programs to act on. */
export type CnnErrorCode =
  /** An argument or an option is out of its range, or two of them contradict each other. */
  | "INVALID_ARGUMENT"
  /** Pictures, labels or weights do not fit the network. */
  | "SHAPE_MISMATCH"
  /** A model file, checkpoint or state dict is cut, altered or not what it says. */
  | "INVALID_FILE"
  /** A checkpoint belongs to another network, other data or other options. */
  | "CHECKPOINT_MISMATCH"
  /** NaN or Infinity in training: the learning rate is too high, or the data are broken. */
  | "NOT_FINITE"
  /** The backend asked for cannot run here. */
  | "BACKEND_UNAVAILABLE"
  /** A thread ended by itself. */
  | "WORKER_FAILED"
  /** Used after `close()`, or a checkpoint asked for after the run had gone on. */
  | "CLOSED"
  /** Stopped through an AbortSignal. */
  | "ABORTED";

/** Thrown by @cifar/cnn. The message is one line that says what was expected and what came. */
export class CnnError extends Error {
  override readonly name = "CnnError";
  readonly code: CnnErrorCode;

  constructor(code: CnnErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
