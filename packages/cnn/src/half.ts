import { CnnError } from "./errors.js";

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The nearest IEEE 754 binary16 value, ties to even, as its 16 bits; too large becomes infinity. */
export function toHalf(value: number): number {
  float[0] = value;
  const single = bits[0]!;
  const sign = (single >>> 16) & 0x8000;
  const exponent = (single >>> 23) & 0xff;
  const fraction = single & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const half = exponent - 112; // exponents are biased by 127 in binary32, by 15 in binary16
  if (half >= 31) return sign | 0x7c00;
  if (half >= 1) {
    // A carry out of the fraction goes on into the exponent, up to infinity, as it should.
    return sign + roundShift((half << 23) | fraction, 13);
  }
  if (half < -10) return sign;
  return sign | roundShift(fraction | 0x800000, 14 - half);
}

/** Shifts right and rounds to the nearest, ties to even. */
function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}

/** The value of 16 bits read as IEEE 754 binary16. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** {@link toHalf} of each value; not by `Uint16Array.from`, which makes a list of boxed numbers first. */
export function toHalves(values: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = toHalf(values[i]!);
  return halves;
}

/** {@link fromHalf} of each. */
export function fromHalves(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = fromHalf(halves[i]!);
  return values;
}

/** From here on a value is rounded to infinity: halfway from the largest half, 65504, to the next there would be. */
const TOO_LARGE = 65_520;

/**
 * Throws if a finite value has no half.
 * @throws CnnError INVALID_ARGUMENT
 */
export function checkHalves(name: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(Math.abs(value) >= TOO_LARGE && Number.isFinite(value))) continue;
    throw new CnnError("INVALID_ARGUMENT", `tensor ${name} holds ${value}, too large for float16: save it as F32`);
  }
}
