/** What went wrong, stable across versions, for programs to act on. */
export type TensorErrorCode =
  | "SHAPE_MISMATCH"
  | "INVALID_ARGUMENT"
  | "BACKEND_UNAVAILABLE"
  | "OUT_OF_MEMORY"
  | "CLOSED";

/** Thrown by @cifar/tensor. The message names the operation, what was expected and what came. */
export class TensorError extends Error {
  override readonly name = "TensorError";
  readonly code: TensorErrorCode;

  constructor(code: TensorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
