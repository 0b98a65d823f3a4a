import type { Dataset } from "@cifar/cnn";
import { philox4x32, STREAMS } from "@cifar/tensor";
import { CifarError } from "../errors.js";
import { PICTURE_BYTES, PICTURE_SHAPE } from "./binary-format.js";
import type { DataSplits } from "./cifar10.js";
import { coverageOf, type Figure, SHAPE_KINDS } from "./shapes-kinds.js";

/** The ten kinds of drawn pictures in the order of their labels. */
export const SHAPES_CLASSES: readonly string[] = SHAPE_KINDS.map(({ name }) => name);

/** How many pictures of each part {@link shapesSplits} draws unless told otherwise. */
const DEFAULT_TRAIN = 10_000;
const DEFAULT_TEST = 2_000;

/** Least difference of brightness between figure and ground, 0 to 255, so that there is something to see. */
const LEAST_CONTRAST = 60;

export interface ShapesOptions {
  readonly count: number;
  /** Whole number from 0 to 2^53 − 1, default 0. */
  readonly seed?: number;
  /** Pictures of different parts are never the same; default `train`. */
  readonly part?: "train" | "test";
}

/**
 * The procedural data set `shapes`: 32×32 pictures of ten kinds of figures with random colours, place, size, turn and
 * noise. The same seed draws the same bytes on every machine, and picture n does not depend on how many are drawn.
 * @throws CifarError INVALID_ARGUMENT
 */
export function shapes(options: ShapesOptions): Dataset {
  const { count, seed = 0, part = "train" } = options;
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed) || seed < 0) {
    throw new CifarError("INVALID_ARGUMENT", `shapes: count ${count} must be at least 1 and seed ${seed} at least 0`);
  }
  const images = new Uint8Array(count * PICTURE_BYTES);
  const labels = new Uint8Array(count);
  const random = new RandomWords(seed, part === "train" ? 0 : 1);
  for (let n = 0; n < count; n++) {
    labels[n] = n % SHAPE_KINDS.length;
    random.startPicture(n);
    draw(labels[n]!, random, images.subarray(n * PICTURE_BYTES, (n + 1) * PICTURE_BYTES));
  }
  return { name: `shapes ${part}`, classes: SHAPES_CLASSES, shape: PICTURE_SHAPE, count, images, labels };
}

/** Training and test pictures of `shapes`, 10,000 and 2,000 unless said otherwise. */
export function shapesSplits(
  options: { readonly train?: number; readonly test?: number; readonly seed?: number } = {},
): DataSplits {
  const { train = DEFAULT_TRAIN, test = DEFAULT_TEST, seed = 0 } = options;
  return { train: shapes({ count: train, seed, part: "train" }), test: shapes({ count: test, seed, part: "test" }) };
}

/** Random numbers of one picture, in the order in which they are asked for. */
class RandomWords {
  readonly #key: Uint32Array;
  readonly #counter: Uint32Array;
  readonly #words = new Uint32Array(4);
  #next = 4;

  constructor(seed: number, part: number) {
    this.#key = Uint32Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32));
    this.#counter = Uint32Array.of(0, 0, part, STREAMS.data);
  }

  startPicture(index: number): void {
    this.#counter[0] = 0;
    this.#counter[1] = index;
    this.#next = 4;
  }

  /** 32 random bits. */
  word(): number {
    if (this.#next === 4) {
      philox4x32(this.#counter, this.#key, this.#words);
      this.#counter[0]!++;
      this.#next = 0;
    }
    return this.#words[this.#next++]!;
  }

  between(low: number, high: number): number {
    return low + (high - low) * (this.word() / 2 ** 32);
  }
}

/** Draws one picture into its [32, 32, 3] bytes. */
function draw(kind: number, random: RandomWords, picture: Uint8Array): void {
  const figure = placeFigure(kind, random);
  const { ground, colour } = chooseColours(random);
  const noise = random.between(4, 28);
  const [height, width] = PICTURE_SHAPE;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const coverage = coverageOf(kind, figure, { x, y });
      // One word holds the noise of all three colours, 10 bits each.
      let bits = random.word();
      for (let channel = 0; channel < 3; channel++, to++) {
        const value = ground[channel]! + coverage * (colour[channel]! - ground[channel]!);
        const offset = ((bits & 1023) / 1023) * 2 - 1;
        picture[to] = Math.min(255, Math.max(0, Math.round(value + noise * offset)));
        bits >>>= 10;
      }
    }
  }
}

function placeFigure(kind: number, random: RandomWords): Figure {
  // The half-angle formulas turn a number into a point of the unit circle without sine and cosine.
  const half = random.between(-1, 1);
  const cosine = (1 - half * half) / (1 + half * half);
  const sine = (2 * half) / (1 + half * half);
  const radius = random.between(7, 14);
  const room = 17 - radius;
  // A figure that fills the picture may have its centre anywhere.
  const spread = SHAPE_KINDS[kind]!.fills ? 8 : room;
  return {
    radius,
    x: 16 + random.between(-spread, spread),
    y: 16 + random.between(-spread, spread),
    cosine,
    sine,
    variant: random.between(0, 1),
  };
}

/** Two colours that differ enough in brightness. */
function chooseColours(random: RandomWords): { readonly ground: number[]; readonly colour: number[] } {
  const any = () => [random.between(0, 255), random.between(0, 255), random.between(0, 255)];
  const ground = any();
  let colour = any();
  while (Math.abs(brightness(colour) - brightness(ground)) < LEAST_CONTRAST) colour = any();
  return { ground, colour };
}

function brightness([red, green, blue]: readonly number[]): number {
  return 0.3 * red! + 0.6 * green! + 0.1 * blue!;
}
