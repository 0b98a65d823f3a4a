import { exp, log } from "@cifar/tensor";
import { CnnError } from "./errors.js";

/** Answers whose confidence lies in one range. */
export interface ReliabilityBin {
  /** Confidence above `from` (from 0 on in the first bin) and at most `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence and share of right answers; both 0 where there is no answer. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** How far a network's confidence can be taken at its word. */
export interface Calibration {
  /** What logits were divided by. */
  readonly temperature: number;
  /**
   * Expected calibration error, 0 to 1: the mean distance between confidence and accuracy, bin by bin, weighted by the
   * answers in each (Guo et al., arXiv:1706.04599, equation 3).
   */
  readonly error: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  readonly bins: readonly ReliabilityBin[];
}

export interface CalibrationOptions {
  /** Logits are divided by it; default 1. */
  readonly temperature?: number;
  /** Ranges of equal width; default 15. */
  readonly bins?: number;
}

/** Temperatures that are looked at, in logarithms: 0.05 to 20. */
const LOG_RANGE = [-3, 3] as const;

/** Width, in logarithms of the temperature, at which the search ends: beyond the digits that matter. */
const PRECISION = 1e-5;

/**
 * The temperature that makes labels most probable: that with the least mean cross-entropy of softmax(logits /
 * temperature) (Guo et al., arXiv:1706.04599, section 4.2). It changes no answer. To be fitted on pictures that the
 * network was not trained on. The cross-entropy is convex in 1 / temperature, so golden-section search finds the minimum.
 * @param logits [pictures, classes]
 * @param labels class of each picture
 * @returns 0.05 to 20
 * @throws CnnError SHAPE_MISMATCH if logits and labels do not fit together
 */
export function fitTemperature(logits: Float32Array, labels: ArrayLike<number>): number {
  const classes = classesIn(logits, labels);
  const lossAt = (position: number) => meanLoss(logits, labels, { classes, temperature: Math.exp(position) });
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high]: readonly [number, number] = LOG_RANGE;
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let leftLoss = lossAt(left);
  let rightLoss = lossAt(right);
  while (high - low > PRECISION) {
    if (leftLoss <= rightLoss) {
      high = right;
      right = left;
      rightLoss = leftLoss;
      left = high - golden * (high - low);
      leftLoss = lossAt(left);
    } else {
      low = left;
      left = right;
      leftLoss = rightLoss;
      right = low + golden * (high - low);
      rightLoss = lossAt(right);
    }
  }
  // Four decimals are more than the fit can know, and the same on every machine.
  return Math.round(Math.exp((low + high) / 2) * 1e4) / 1e4;
}

/**
 * Compares confidence with accuracy.
 * @param logits [pictures, classes]
 * @throws CnnError SHAPE_MISMATCH if logits and labels do not fit together; INVALID_ARGUMENT
 */
export function calibration(
  logits: Float32Array,
  labels: ArrayLike<number>,
  options: CalibrationOptions = {},
): Calibration {
  const { temperature = 1, bins = 15 } = options;
  const classes = classesIn(logits, labels);
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY)) {
    throw new CnnError("INVALID_ARGUMENT", `calibration: temperature must be above 0, not ${temperature}`);
  }
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new CnnError("INVALID_ARGUMENT", `calibration: bins must be a whole number of at least 1, not ${bins}`);
  }
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let n = 0; n < labels.length; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const confidence = 1 / row.reduce((sum, value) => sum + exp((value - largest) / temperature), 0);
    const bin = sums[Math.min(Math.max(Math.ceil(confidence * bins) - 1, 0), bins - 1)]!;
    bin.count++;
    bin.confidence += confidence;
    if (row.indexOf(largest) === labels[n]) bin.right++;
  }
  const distance = sums.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0);
  return {
    temperature,
    error: distance / labels.length,
    loss: meanLoss(logits, labels, { classes, temperature }),
    bins: sums.map(({ count, confidence, right }, index) => ({
      from: index / bins,
      to: (index + 1) / bins,
      count,
      confidence: count === 0 ? 0 : confidence / count,
      accuracy: count === 0 ? 0 : right / count,
    })),
  };
}

function meanLoss(
  logits: Float32Array,
  labels: ArrayLike<number>,
  { classes, temperature }: { classes: number; temperature: number },
): number {
  let sum = 0;
  for (let n = 0; n < labels.length; n++) {
    const start = n * classes;
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[start + c]!);
    let powers = 0;
    for (let c = 0; c < classes; c++) powers += exp((logits[start + c]! - largest) / temperature);
    sum += log(powers) + (largest - logits[start + labels[n]!]!) / temperature;
  }
  return sum / labels.length;
}

function classesIn(logits: Float32Array, labels: ArrayLike<number>): number {
  const classes = logits.length / labels.length;
  const fits = Number.isSafeInteger(classes) && classes >= 1 && labels.length > 0;
  if (fits && Array.from(labels).every((label) => label >= 0 && label < classes)) return classes;
  throw new CnnError(
    "SHAPE_MISMATCH",
    `calibration: ${logits.length} logits and ${labels.length} labels do not fit together`,
  );
}
