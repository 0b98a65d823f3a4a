import { expect } from "vitest";
import { RandomStream } from "../../src/index.js";

/** Numbers of a fixed sequence, normally distributed. */
export function randomNumbers(size: number, seed: number): Float32Array {
  const random = new RandomStream({ seed, stream: 0 });
  return Float32Array.from({ length: size }, () => random.nextNormal());
}

/** Largest difference, relative to the largest expected value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const here = Math.abs(actual[i]! - expected[i]!);
    // NaN compares with nothing: it must not pass unseen.
    if (!(here <= difference)) difference = here;
  }
  return largest === 0 ? difference : difference / largest;
}

/** Expects numbers that agree up to a fraction of the largest. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(relativeError(actual, expected)).toBeLessThanOrEqual(tolerance);
}

/** Σ a·b in float64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * Rounding allowed: forward passes within 1e-5 of the largest value, gradients within 1e-4, as they are sums over more
 * terms of both signs. Winograd's transforms cost one to two digits of float32's seven.
 */
export const FORWARD = 1e-5;
export const GRADIENT = 1e-4;
