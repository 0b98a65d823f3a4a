import { TensorError } from "./errors.js";

/** Sizes of a tensor's dimensions, outermost first (row-major). */
export type Shape = readonly number[];

/** Number of values that a tensor of this shape holds. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** True if both shapes have the same dimensions in the same order. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, index) => dimension === b[index]);
}

/** `[64, 32, 32, 3]`, as error messages show shapes. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Most values that a tensor may hold, 1 GiB of them: what a WebAssembly memory holds, so that addresses never overflow. */
export const MAX_VALUES = 2 ** 28;

/**
 * Throws unless every dimension is a whole number of at least 1, and a tensor of the shape can be.
 * @throws TensorError INVALID_ARGUMENT
 */
export function checkShape(operation: string, shape: Shape): void {
  if (!shape.every((dimension) => Number.isSafeInteger(dimension) && dimension >= 1)) {
    throw new TensorError(
      "INVALID_ARGUMENT",
      `${operation}: every dimension must be a whole number of at least 1, but the shape is ${formatShape(shape)}`,
    );
  }
  if (sizeOf(shape) <= MAX_VALUES) return;
  throw new TensorError(
    "INVALID_ARGUMENT",
    `${operation}: a tensor holds at most ${MAX_VALUES} values, but the shape is ${formatShape(shape)}`,
  );
}

/**
 * Side of the output of a sliding window: floor((input + 2 padding − kernel) / stride) + 1.
 * @throws TensorError INVALID_ARGUMENT if the window does not fit into the padded input even once
 */
export function windowOutput(
  operation: string,
  window: { readonly input: number; readonly kernel: number; readonly stride: number; readonly padding: number },
): number {
  const { input, kernel, stride, padding } = window;
  const output = Math.floor((input + 2 * padding - kernel) / stride) + 1;
  if (output >= 1) return output;
  throw new TensorError(
    "INVALID_ARGUMENT",
    `${operation}: a window of ${kernel} does not fit into ${input} values padded by ${padding} on each side`,
  );
}
