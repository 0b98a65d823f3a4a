import { CnnError } from "./errors.js";

/** True if no value is NaN or Infinity. `every` would box each number: 230 kB of garbage for the network's parameters. */
export function allFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) return false;
  }
  return true;
}

/**
 * Throws if a tensor that is to be written holds what no reader of it would take.
 * @throws CnnError NOT_FINITE naming tensor and value
 */
export function checkFinite(what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!)) continue;
    throw new CnnError("NOT_FINITE", `${what} holds ${values[i]} at position ${i}: such weights are not written`);
  }
}
