import type { Dropout, DropoutSpec } from "../backend.js";
import { PHILOX } from "../random.js";
import { type DropoutSizes, dropoutSizes } from "../specs.js";
import { FunctionBuilder, type Local } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { FLOAT, LANES, storeVectors, VECTOR, vectorsFor } from "./vectors.js";

/** Values that one word of the mask, and four counters of the generator, decide. */
const GROUP = 32;

/** dropout in emitted WebAssembly: four counters of Philox side by side decide 32 values (see random.ts). */
export function dropout(context: KernelContext, spec: DropoutSpec): Dropout {
  const sizes = dropoutSizes(spec);
  const functions = context.instantiate(
    `dropout ${JSON.stringify(sizes)}`,
    () =>
      new Map([
        ["draw", emitDraw(sizes)],
        ["apply", emitApply(sizes)],
      ] as const),
  );
  return {
    maskShape: sizes.maskShape,
    forward(input, output, mask, key) {
      functions.draw(addressOf(mask), key.seed | 0, Math.floor(key.seed / 2 ** 32), key.stream, key.step, key.picture);
      functions.apply(addressOf(input), addressOf(mask), addressOf(output));
    },
    backward(outputGradient, mask, inputGradient) {
      functions.apply(addressOf(outputGradient), addressOf(mask), addressOf(inputGradient));
    },
  };
}

/** Bits of a picture's last word that belong to values. */
function lastBits({ pictureSize }: DropoutSizes): number {
  const rest = pictureSize % GROUP;
  return rest === 0 ? -1 : (1 << rest) - 1;
}

/** Emits `draw(mask, seedLow, seedHigh, stream, step, picture)`. */
function emitDraw(sizes: DropoutSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [mask, seedLow, seedHigh, stream, step, picture] = f.parameters;
  const [pictures, groups, block, word] = f.locals("i32", 4);
  const counter = f.locals("v128", 4);
  const key = f.locals("v128", 2);
  const [low, high, upper0, upper1] = f.locals("v128", 4);
  const [lanes, threshold, lowerHalf, multiplier0, multiplier1, weyl0, weyl1] = f.locals("v128", 7);
  f.i32x4(0, 1, 2, 3).set(lanes).i32x4(sizes.threshold).set(threshold).i32x4(0xffff).set(lowerHalf);
  f.i32x4(PHILOX.multiplier0).set(multiplier0).i32x4(PHILOX.multiplier1).set(multiplier1);
  f.i32x4(PHILOX.weyl0).set(weyl0).i32x4(PHILOX.weyl1).set(weyl1);
  const constants = { multiplier0, multiplier1, weyl0, weyl1 };
  f.repeat(pictures, sizes.batch, () => {
    f.i32(0).set(block);
    f.repeat(groups, sizes.pictureWords, () => {
      f.get(block).op("i32x4.splat").get(lanes).op("i32x4.add").set(counter[0]);
      f.get(picture).op("i32x4.splat").set(counter[1]);
      f.get(step).op("i32x4.splat").set(counter[2]);
      f.get(stream).op("i32x4.splat").set(counter[3]);
      f.get(seedLow).op("i32x4.splat").set(key[0]);
      f.get(seedHigh).op("i32x4.splat").set(key[1]);
      for (let round = 0; round < PHILOX.rounds; round++)
        emitRound({ f, counter, key, constants, low, high, upper0, upper1 });
      // Lane l of half k mod 2 of word ⌊k / 2⌋ decides value 4k + l.
      for (let k = 0; k < GROUP / LANES; k++) {
        if (k > 0) f.get(word);
        f.get(counter[k >> 1]!);
        if (k % 2 === 0) f.get(lowerHalf).op("v128.and");
        else f.i32(16).op("i32x4.shr_u");
        f.get(threshold).op("i32x4.ge_s", "i32x4.bitmask");
        if (k > 0) f.i32(LANES * k).op("i32.shl", "i32.or");
        f.set(word);
      }
      f.get(mask).get(word).memory("i32.store").increment(mask, FLOAT).increment(block, LANES);
    });
    // The last word of the picture lies just behind.
    f.increment(mask, -FLOAT);
    f.get(mask).get(word).i32(lastBits(sizes)).op("i32.and").memory("i32.store").increment(mask, FLOAT);
    f.increment(picture, 1);
  });
  return f;
}

interface Round {
  readonly f: FunctionBuilder;
  /** The four words of four counters. */
  readonly counter: readonly [Local, Local, Local, Local];
  readonly key: readonly [Local, Local];
  readonly constants: Readonly<Record<"multiplier0" | "multiplier1" | "weyl0" | "weyl1", Local>>;
  readonly low: Local;
  readonly high: Local;
  readonly upper0: Local;
  readonly upper1: Local;
}

/** One round of Philox on four counters. */
function emitRound({ f, counter: [c0, c1, c2, c3], key: [k0, k1], constants, low, high, upper0, upper1 }: Round): void {
  /** upper ← upper halves of the 64-bit products of `word` and the multiplier, word ← lower halves. */
  const multiply = (word: Local, multiplier: Local, upper: Local) => {
    f.get(word).get(multiplier).op("i64x2.extmul_low_i32x4_u").set(low);
    f.get(word).get(multiplier).op("i64x2.extmul_high_i32x4_u").set(high);
    f.get(low).get(high).shuffle32(1, 3, 5, 7).set(upper);
    f.get(low).get(high).shuffle32(0, 2, 4, 6).set(word);
  };
  multiply(c0, constants.multiplier0, upper0);
  multiply(c2, constants.multiplier1, upper1);
  f.get(c0).get(c2);
  f.get(upper0).get(c3).op("v128.xor").get(k1).op("v128.xor").set(c2);
  f.get(upper1).get(c1).op("v128.xor").get(k0).op("v128.xor").set(c0);
  f.set(c1).set(c3);
  f.get(k0).get(constants.weyl0).op("i32x4.add").set(k0);
  f.get(k1).get(constants.weyl1).op("i32x4.add").set(k1);
}

/** Emits `apply(source, mask, target)`: source · scale where the mask's bit is set, else 0. */
function emitApply(sizes: DropoutSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [source, mask, target] = f.parameters;
  const [pictures, groups] = f.locals("i32", 2);
  const [value, scale, wordSplat] = f.locals("v128", 3);
  // Each lane keeps its own bit of the word.
  const laneBits = f.locals("v128", GROUP / LANES);
  for (const [k, bits] of laneBits.entries()) {
    f.i32x4(1 << (4 * k), 2 << (4 * k), 4 << (4 * k), 8 << (4 * k)).set(bits);
  }
  f.f32x4(sizes.scale).set(scale);
  const emitGroup = (values: number) => {
    f.get(mask).memory("i32.load").op("i32x4.splat").set(wordSplat);
    for (let k = 0; k < vectorsFor(values); k++) {
      f.get(source)
        .memory("v128.load", k * VECTOR)
        .get(scale)
        .op("f32x4.mul");
      f.get(wordSplat).get(laneBits[k]!).op("v128.and").get(laneBits[k]!).op("i32x4.eq", "v128.and").set(value);
      storeVectors(f, { address: target, offset: k * VECTOR, values: [value], count: values - k * LANES });
    }
    f.increment(source, values * FLOAT)
      .increment(target, values * FLOAT)
      .increment(mask, FLOAT);
  };
  const whole = Math.floor(sizes.pictureSize / GROUP);
  f.repeat(pictures, sizes.batch, () => {
    if (whole > 0) f.repeat(groups, whole, () => emitGroup(GROUP));
    if (sizes.pictureSize % GROUP > 0) emitGroup(sizes.pictureSize % GROUP);
  });
  return f;
}
