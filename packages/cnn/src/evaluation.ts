import { exp, log } from "@cifar/tensor";
import { breathe } from "#platform";
import type { Dataset, Normalisation } from "./dataset.js";
import type { Engine } from "./engine.js";
import { CnnError } from "./errors.js";
import { allFinite } from "./finite.js";
import { PictureWriter } from "./pictures.js";

/** Milliseconds after which events get their turn. */
export const LONGEST_BREATH = 10;

/** Values of `mirrored` in a request. */
export const AS_IT_IS: readonly boolean[] = [false];
export const MIRRORED: readonly boolean[] = [true];
export const BOTH_SIDES: readonly boolean[] = [false, true];

/** What was measured for one class. */
export interface ClassResult {
  readonly label: string;
  readonly correct: number;
  readonly total: number;
  /** 0 to 1; 0 where there is no picture of the class. */
  readonly accuracy: number;
}

export interface Evaluation {
  /** 0 to 1. */
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly perClass: readonly ClassResult[];
  /** Number of pictures, [actual class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
}

export interface InferenceRequest {
  /** Bytes of pictures of the network's input shape, and how many there are. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly normalisation: Normalisation;
  /** Which of the engine's sets of parameters to use. */
  readonly set: number;
  /** Whether to show the pictures as they are (false) or mirrored (true); the logits of several views are added. */
  readonly mirrored: readonly boolean[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Logits of any number of pictures, [count, outputs]: batch by batch through the engine.
 * @throws CnnError ABORTED after a batch, if the signal says so; NOT_FINITE naming the first picture without an answer
 */
export async function inferLogits(engine: Engine, request: InferenceRequest): Promise<Float32Array> {
  const { images, count, normalisation, set, mirrored: views, signal } = request;
  const writer = new PictureWriter(engine.input, normalisation);
  const batch = engine.shards.length * engine.shardSize;
  const outputs = engine.shards[0]!.logits.size / engine.shardSize;
  const logits = new Float32Array(count * outputs);
  let breath = performance.now();
  for (let from = 0; from < count; from += batch) {
    const pictures = Math.min(batch, count - from);
    const shards = Math.ceil(pictures / engine.shardSize);
    for (const mirrored of views) {
      for (let slot = 0; slot < pictures; slot++) {
        writer.write(images, engine.images, { picture: from + slot, slot, mirrored, down: 0, right: 0 });
      }
      engine.images.fill(0, pictures * writer.size);
      await engine.upload();
      await engine.infer(shards, set);
      for (let shard = 0; shard < shards; shard++) {
        const values = await engine.values(engine.shards[shard]!.logits);
        const start = (from + shard * engine.shardSize) * outputs;
        const length = Math.min(engine.shardSize * outputs, logits.length - start);
        for (let i = 0; i < length; i++) logits[start + i]! += values[i]!;
      }
    }
    checkLogits(logits.subarray(from * outputs, (from + pictures) * outputs), from, outputs);
    if (signal?.aborted) throw new CnnError("ABORTED", "evaluation was stopped", { cause: signal.reason });
    if (performance.now() - breath > LONGEST_BREATH) {
      await breathe();
      breath = performance.now();
    }
  }
  return logits;
}

/**
 * Throws if a network gave no answer: finite weights may be too large to compute with, and probabilities of such logits
 * would be NaN.
 * @param first number of the first of these pictures
 * @throws CnnError NOT_FINITE
 */
export function checkLogits(logits: Float32Array, first: number, outputs: number): void {
  if (allFinite(logits)) return;
  const at = logits.findIndex((value) => !Number.isFinite(value));
  throw new CnnError(
    "NOT_FINITE",
    `network: its answer to picture ${first + Math.floor(at / outputs)} holds ${logits[at]}: its weights, or the normalised ` +
      "pictures, are too large to compute with",
  );
}

/**
 * Compares logits with labels. Losses are computed in float64.
 * @param logits [pictures, classes]
 * @throws CnnError INVALID_ARGUMENT if there is no picture; SHAPE_MISMATCH if logits and labels are not as many as pictures
 */
export function summariseLogits(
  logits: Float32Array,
  dataset: Pick<Dataset, "labels" | "classes" | "count">,
): Evaluation {
  const { labels, classes, count } = dataset;
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw new CnnError("INVALID_ARGUMENT", `evaluation: count must be a whole number of at least 1, not ${count}`);
  }
  if (logits.length !== count * classes.length || labels.length !== count) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `evaluation: ${count} pictures of ${classes.length} classes take ${count * classes.length} logits and ${count} labels, ` +
        `but there are ${logits.length} and ${labels.length}`,
    );
  }
  const confusion = classes.map(() => new Array<number>(classes.length).fill(0));
  let lossSum = 0;
  for (let n = 0; n < count; n++) {
    const row = logits.subarray(n * classes.length, (n + 1) * classes.length);
    const predicted = row.indexOf(row.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY));
    // A row of NaN has no largest value; it counts as class 0, and its loss says that something is wrong.
    confusion[labels[n]!]![Math.max(predicted, 0)]! += 1;
    lossSum += logSumExp(row) - row[labels[n]!]!;
  }
  const perClass = classes.map((label, actual): ClassResult => {
    const total = confusion[actual]!.reduce((sum, pictures) => sum + pictures, 0);
    const correct = confusion[actual]![actual]!;
    return { label, correct, total, accuracy: total === 0 ? 0 : correct / total };
  });
  const correct = perClass.reduce((sum, result) => sum + result.correct, 0);
  return { accuracy: correct / count, correct, total: count, loss: lossSum / count, perClass, confusion };
}

function logSumExp(row: Float32Array): number {
  const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const value of row) sum += exp(value - largest);
  return largest + log(sum);
}
