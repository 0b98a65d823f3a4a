import type { RandomKey } from "./backend.js";
import { TensorError } from "./errors.js";
import { log } from "./math.js";

/*
 * Counter-based random numbers: Philox 4×32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). A number depends on its key and its counter alone, so it is the same in whatever order and on whichever thread
 * it is asked for.
 *
 * key = [seed mod 2^32, seed div 2^32], counter = [block, index, step, stream]:
 * `stream` says what the numbers are for (see STREAMS), `step` and `index` for which step and which picture or value,
 * `block` counts on where one counter's 128 bits are not enough.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The generator's constants, for kernels that compute the same elsewhere. */
export const PHILOX = {
  multiplier0: MULTIPLIER_0,
  multiplier1: MULTIPLIER_1,
  weyl0: WEYL_0,
  weyl1: WEYL_1,
  rounds: ROUNDS,
} as const;

/**
 * First numbers of the streams' ranges; layers and parameters count on from there. Streams below 2^16 are those of layers'
 * dropout, by the index of the layer.
 */
export const STREAMS = {
  dropout: 0,
  initialWeights: 1 << 16,
  pictureOrder: 2 << 16,
  augmentation: 3 << 16,
  data: 4 << 16,
} as const;

/** Upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 65_536) + Math.floor(other / 65_536)) >>> 0;
}

/**
 * The 128 random bits of a counter.
 * @param counter four unsigned 32-bit words
 * @param key two unsigned 32-bit words
 * @param output gets four unsigned 32-bit words; may be `counter`
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array, output: Uint32Array): void {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  let [k0, k1] = key as unknown as [number, number];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  output[0] = c0;
  output[1] = c1;
  output[2] = c2;
  output[3] = c3;
}

/**
 * The key of a seed.
 * @param seed whole number from 0 to 2^53 − 1
 * @throws TensorError INVALID_ARGUMENT
 */
export function seedKey(seed: number): Uint32Array {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new TensorError("INVALID_ARGUMENT", `seed must be a whole number from 0 to 2^53 − 1, but is ${seed}`);
  }
  return Uint32Array.of(seed >>> 0, Math.floor(seed / 2 ** 32));
}

/** Which numbers a {@link RandomStream} gives. */
export interface RandomStreamKey {
  /** Whole number from 0 to 2^53 − 1. */
  readonly seed: number;
  /** What the numbers are for: see {@link STREAMS}. */
  readonly stream: number;
  /** Default 0. */
  readonly step?: number;
  /** Default 0. */
  readonly index?: number;
}

/** One sequence of random numbers, a counter after the other. */
export class RandomStream {
  readonly #key: Uint32Array;
  readonly #counter: Uint32Array;
  readonly #words = new Uint32Array(4);
  #used = 4;

  constructor({ seed, stream, step = 0, index = 0 }: RandomStreamKey) {
    this.#key = seedKey(seed);
    this.#counter = Uint32Array.of(0, index, step, stream);
  }

  /** 32 random bits. */
  nextUint32(): number {
    if (this.#used === 4) {
      philox4x32(this.#counter, this.#key, this.#words);
      this.#counter[0]! += 1;
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }

  /** Uniform in [0, 1), a multiple of 2^−24, so that float32 holds it exactly. */
  nextUniform(): number {
    return (this.nextUint32() >>> 8) / 2 ** 24;
  }

  /** A whole number from 0 to `bound` − 1, each equally likely; 1 ≤ bound ≤ 2^32. */
  nextBelow(bound: number): number {
    // Numbers past the last whole multiple of the bound would favour the small ones: draw again.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const number = this.nextUint32();
      if (number < limit) return number % bound;
    }
  }

  /** Normal with mean 0 and deviation 1, from one draw: the inverse of its distribution function. */
  nextNormal(): number {
    return normalQuantile((this.nextUint32() + 0.5) / 2 ** 32);
  }
}

/** Fills an array with numbers uniform in [low, high). */
export function fillUniform(values: Float32Array, key: RandomStreamKey, low = 0, high = 1): void {
  const stream = new RandomStream(key);
  for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * stream.nextUniform();
}

/** Fills an array with normally distributed numbers. */
export function fillNormal(values: Float32Array, key: RandomStreamKey, mean = 0, deviation = 1): void {
  const stream = new RandomStream(key);
  for (let i = 0; i < values.length; i++) values[i] = mean + deviation * stream.nextNormal();
}

/** The numbers 0 to size − 1 in random order, every order equally likely (Fisher and Yates). */
export function permutation(size: number, key: RandomStreamKey): Uint32Array {
  const stream = new RandomStream(key);
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (let i = size - 1; i > 0; i--) {
    const j = stream.nextBelow(i + 1);
    const moved = order[i]!;
    order[i] = order[j]!;
    order[j] = moved;
  }
  return order;
}

/**
 * Draws the dropout mask of one picture.
 *
 * Value e of the picture (row-major) belongs to group g = ⌊e / 32⌋; with r = e mod 32, k = ⌊r / 4⌋ and l = r mod 4 it is
 * decided by the bits of counter [4g + l, picture, step, stream]: half k mod 2 (16 bits, the lower ones first) of word
 * ⌊k / 2⌋. It stays if they are at least `threshold`. So four counters in the lanes of a SIMD register decide four
 * neighbouring values at a time.
 *
 * @param mask gets a bit a value, bit r of word g; bits past the last value are 0
 * @param size values in the picture; `mask` has ⌈size / 32⌉ words
 * @param threshold rate · 65536
 */
export function drawDropoutMask(mask: Uint32Array, size: number, threshold: number, key: Readonly<RandomKey>): void {
  const philoxKey = seedKey(key.seed);
  const counter = Uint32Array.of(0, key.picture, key.step, key.stream);
  const words = new Uint32Array(4);
  mask.fill(0);
  for (let lane = 0; lane < 4; lane++) {
    for (let group = 0; group < mask.length; group++) {
      counter[0] = 4 * group + lane;
      philox4x32(counter, philoxKey, words);
      let bits = 0;
      for (let k = 0; k < 8; k++) {
        const r = 4 * k + lane;
        const drawn = (words[k >> 1]! >>> (16 * (k & 1))) & 0xffff;
        if (drawn >= threshold && 32 * group + r < size) bits |= 1 << r;
      }
      mask[group]! |= bits;
    }
  }
}

/** Numerator and denominator of a quotient of polynomials, lowest power first. */
type Quotient = readonly [readonly number[], readonly number[]];

const CENTRE: Quotient = [
  [3.3871327179, 50.434271938, 159.29113202, 59.10937472],
  [1, 17.895169469, 78.757757664, 67.1875636],
];
const FLANK: Quotient = [
  [1.4234372777, 2.75681539, 1.3067284816, 0.17023821103],
  [1, 0.7370016425, 0.12021132975],
];
const TAIL: Quotient = [
  [6.657905115, 3.081226386, 0.42868294337, 0.017337203997],
  [1, 0.24197894225, 0.012258202635],
];

/**
 * The value below which a normal variable lies with probability p, 0 < p < 1, to about 7 digits (Wichura: "Algorithm AS
 * 241: the percentage points of the normal distribution", Applied Statistics 37, 1988, PPND7).
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * evaluate(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const size = r <= 5 ? evaluate(FLANK, r - 1.6) : evaluate(TAIL, r - 5);
  return q < 0 ? -size : size;
}

function evaluate([numerator, denominator]: Quotient, x: number): number {
  return polynomial(numerator, x) / polynomial(denominator, x);
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + coefficients[k]!;
  return sum;
}
