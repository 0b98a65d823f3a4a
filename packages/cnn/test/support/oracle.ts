import { readFileSync } from "node:fs";
import { decodeSafetensors, type SafetensorsTensor } from "../../src/safetensors.js";

/** Tensors of a fixture whose names begin with `prefix`, without it. */
export function oracleTensors(file: string, prefix: string): Map<string, SafetensorsTensor> {
  const { tensors } = decodeSafetensors(readFileSync(new URL(`../fixtures/${file}.safetensors`, import.meta.url)));
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** One tensor's values. */
export function oracle(file: string, name: string): number[] {
  const tensor = oracleTensors(file, name).get("");
  if (tensor === undefined) throw new Error(`${file} holds no ${name}`);
  return Array.from(tensor.data, Number);
}

/** Pictures [count, 3, 32, 32] turned into [count, 32, 32, 3]. */
export function toNhwc(planes: readonly number[], target: Float32Array): void {
  for (let i = 0; i < planes.length; i++) {
    const pixel = i % 1024;
    const channel = Math.floor(i / 1024) % 3;
    const picture = Math.floor(i / 3072);
    target[(picture * 1024 + pixel) * 3 + channel] = planes[i]!;
  }
}

/** Largest absolute difference, divided by the largest absolute value of `expected`. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = Math.abs(actual.length - expected.length) * Number.POSITIVE_INFINITY || 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
}
