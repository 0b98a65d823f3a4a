/*
 * Whole quotients on the GPU. Its division may be off in the last place, so that 9 / 3 may come out below 3; half a unit more
 * in the dividend keeps the floor right up to 2^22 · 2 values, beyond which float32 has no halves.
 */

/** Source text for the whole quotient of two whole numbers. */
export function quotient(dividend: string, divisor: number): string {
  return divisor === 1 ? `(${dividend})` : `Math.floor((${dividend} + 0.5) / ${divisor}.0)`;
}

/** Most values of a tensor that the kernels can number. */
export const MOST_VALUES = 2 ** 23;

/** Threads that keep a GPU busy: a sum over many terms is cut until there are about as many partial sums. */
const BUSY = 65_536;

/** How many parts to cut a sum of `terms` terms into for each of `results` results. */
export function partsOf(terms: number, results: number): number {
  return Math.max(1, Math.min(terms, Math.ceil(BUSY / results), Math.ceil(Math.sqrt(terms))));
}
