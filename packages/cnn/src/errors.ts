/** What went wrong, stable across versions, for programs to act on. */
export type CnnErrorCode =
  /** An argument or an option is out of its range, or two of them contradict each other. */
  | "INVALID_ARGUMENT"
  /** Pictures, labels or weights do not fit the network. */
  | "SHAPE_MISMATCH"
  /** A model file, checkpoint or state dict is cut, altered, not what it says, or asks for more than its limits allow. */
  | "INVALID_FILE"
  /** A checkpoint belongs to another network, other data or other options. */
  | "CHECKPOINT_MISMATCH"
  /**
   * NaN or Infinity: in training, where the learning rate is too high or the data are broken; in weights that are to be
   * written or taken over; in what a network answers, where its weights are finite but too large to compute with.
   */
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
