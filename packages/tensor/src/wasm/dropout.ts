import type { Dropout, DropoutSpec } from "../backend.js";
import { PHILOX } from "../random.js";
import { type DropoutSizes, dropoutSizes } from "../specs.js";
import { FunctionBuilder, type Local } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { FLOAT, LANES, storeVectors, VECTOR, vectorsFor } from "./vectors.js";

/** Values that one word of the mask, and four counters of the generator, decide. */
const GROUP = 32;

/** Words drawn side by side: a round waits for the one before, another word's round does not. */
const SIDE_BY_SIDE = 2;

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

/**
 * Emits `draw(mask, seedLow, seedHigh, stream, step, picture)`. Of a counter only the block changes within a picture, so one
 * of the two products of each of the first two rounds is the same for all of them.
 */
function emitDraw(sizes: DropoutSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [mask, seedLow, seedHigh, stream, step, picture] = f.parameters;
  const [pictures, groups] = f.locals("i32", 2);
  const [block, threshold, lowerHalf] = f.locals("v128", 3);
  const [secondOf2, thirdOf0, thirdOf2, thirdOf3, thirdKey0, thirdKey1] = f.locals("v128", 6);
  const key = createKey(f);
  const counters = Array.from({ length: SIDE_BY_SIDE }, () => createCounters(f));
  f.i32x4(sizes.threshold | (sizes.threshold << 16))
    .set(threshold)
    .i32x4(0xffff)
    .set(lowerHalf);

  /** Draws so many words of the mask. */
  const emitGroups = (count: number) => {
    const used = counters.slice(0, count);
    used.forEach(({ c0 }, group) => {
      f.get(block);
      if (group > 0) f.i32x4(LANES * group).op("i32x4.add");
      f.set(c0);
    });
    for (const { c0, c2, upper0 } of used) {
      emitMultiply(f, c0, key.multiplier0, upper0);
      f.get(upper0).get(secondOf2).op("v128.xor").set(c2);
    }
    for (const { c0, c1, c2, c3, upper1 } of used) {
      emitMultiply(f, c2, key.multiplier1, upper1);
      f.get(c2).set(c1);
      f.get(c0).get(thirdOf2).op("v128.xor").set(c2);
      f.get(upper1).get(thirdOf0).op("v128.xor").set(c0);
      f.get(thirdOf3).set(c3);
    }
    f.get(thirdKey0).set(key.k0).get(thirdKey1).set(key.k1);
    for (let round = 2; round < PHILOX.rounds; round++) {
      if (round > 2) emitNextKey(f, key);
      emitRound(f, key, used);
    }
    // Lane l of half h of word w decides value 8w + 4h + l.
    used.forEach(({ c0, c1, c2, c3 }, group) => {
      f.get(mask);
      for (const words of [
        [c0, c1],
        [c2, c3],
      ]) {
        for (const word of words) {
          f.get(word).get(lowerHalf).op("v128.and").get(word).i32(16).op("i32x4.shr_u", "i16x8.narrow_i32x4_u");
          f.get(threshold).op("i16x8.ge_u");
        }
        f.op("i8x16.narrow_i16x8_s", "i8x16.bitmask");
      }
      f.i32(GROUP / 2)
        .op("i32.shl", "i32.or")
        .memory("i32.store", group * FLOAT);
    });
    f.increment(mask, count * FLOAT);
    f.get(block)
      .i32x4(count * LANES)
      .op("i32x4.add")
      .set(block);
  };

  f.repeat(pictures, sizes.batch, () => {
    const [{ c0, c2, upper0, upper1 }] = counters as [Counters];
    f.get(seedLow).op("i32x4.splat").set(key.k0).get(seedHigh).op("i32x4.splat").set(key.k1);
    f.get(step).op("i32x4.splat").set(c2);
    emitMultiply(f, c2, key.multiplier1, upper1);
    f.get(upper1).get(picture).op("i32x4.splat", "v128.xor").get(key.k0).op("v128.xor").set(c0);
    f.get(stream).op("i32x4.splat").get(key.k1).op("v128.xor").set(secondOf2);
    emitNextKey(f, key);
    emitMultiply(f, c0, key.multiplier0, upper0);
    f.get(c2).get(key.k0).op("v128.xor").set(thirdOf0);
    f.get(upper0).get(key.k1).op("v128.xor").set(thirdOf2);
    f.get(c0).set(thirdOf3);
    emitNextKey(f, key);
    f.get(key.k0).set(thirdKey0).get(key.k1).set(thirdKey1);

    f.i32x4(0, 1, 2, 3).set(block);
    const turns = Math.floor(sizes.pictureWords / SIDE_BY_SIDE);
    const rest = sizes.pictureWords % SIDE_BY_SIDE;
    if (turns > 0) f.repeat(groups, turns, () => emitGroups(SIDE_BY_SIDE));
    if (rest > 0) emitGroups(rest);
    // The last word of the picture lies just behind.
    f.increment(mask, -FLOAT);
    f.get(mask).get(mask).memory("i32.load").i32(lastBits(sizes)).op("i32.and").memory("i32.store");
    f.increment(mask, FLOAT).increment(picture, 1);
  });
  return f;
}

/** The four words of four counters, and their products' upper halves. */
type Counters = Readonly<Record<"c0" | "c1" | "c2" | "c3" | "upper0" | "upper1", Local>>;

function createCounters(f: FunctionBuilder): Counters {
  const [c0, c1, c2, c3, upper0, upper1] = f.locals("v128", 6);
  return { c0, c1, c2, c3, upper0, upper1 };
}

/** The key of a round, and the generator's constants. */
type Key = Readonly<Record<"k0" | "k1" | "multiplier0" | "multiplier1" | "weyl0" | "weyl1", Local>>;

/** Makes the local variables and sets the constants. */
function createKey(f: FunctionBuilder): Key {
  const [k0, k1, multiplier0, multiplier1, weyl0, weyl1] = f.locals("v128", 6);
  f.i32x4(PHILOX.multiplier0).set(multiplier0).i32x4(PHILOX.multiplier1).set(multiplier1);
  f.i32x4(PHILOX.weyl0).set(weyl0).i32x4(PHILOX.weyl1).set(weyl1);
  return { k0, k1, multiplier0, multiplier1, weyl0, weyl1 };
}

/** The key of the next round. */
function emitNextKey(f: FunctionBuilder, { k0, k1, weyl0, weyl1 }: Key): void {
  f.get(k0).get(weyl0).op("i32x4.add").set(k0).get(k1).get(weyl1).op("i32x4.add").set(k1);
}

/** upper ← upper halves of the 64-bit products of `word` and the multiplier, word ← lower halves. */
function emitMultiply(f: FunctionBuilder, word: Local, multiplier: Local, upper: Local): void {
  f.get(word).get(multiplier).op("i64x2.extmul_low_i32x4_u");
  f.get(word).get(multiplier).op("i64x2.extmul_high_i32x4_u");
  f.shuffle32(1, 3, 5, 7).set(upper);
  f.get(word).get(multiplier).op("i32x4.mul").set(word);
}

/** One round of Philox. */
function emitRound(f: FunctionBuilder, { k0, k1, multiplier0, multiplier1 }: Key, counters: readonly Counters[]): void {
  for (const { c0, c1, c2, c3, upper0, upper1 } of counters) {
    emitMultiply(f, c0, multiplier0, upper0);
    emitMultiply(f, c2, multiplier1, upper1);
    f.get(c0).get(c2);
    f.get(upper0).get(c3).op("v128.xor").get(k1).op("v128.xor").set(c2);
    f.get(upper1).get(c1).op("v128.xor").get(k0).op("v128.xor").set(c0);
    f.set(c1).set(c3);
  }
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
