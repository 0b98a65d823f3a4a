import type { Softmax, SoftmaxSpec } from "../backend.js";
import { exp } from "../math.js";
import { softmaxSizes } from "../specs.js";

/** probability[c] = exp(logit[c]) / Σ over k of exp(logit[k]). */
export function softmax(spec: SoftmaxSpec): Softmax {
  const { batch, classes } = softmaxSizes(spec);
  return {
    forward({ data: logits }, { data: probabilities }) {
      for (let n = 0; n < batch; n++) softmaxRow(logits, probabilities, n * classes, classes);
    },
  };
}

/** The largest of a row's logits. */
export function largestLogit(logits: Float32Array, at: number, classes: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[at + c]!);
  return largest;
}

/** One row of softmax; `probabilities` may be `logits`. Returns the sum of exp(logit − {@link largestLogit}). */
export function softmaxRow(logits: Float32Array, probabilities: Float32Array, at: number, classes: number): number {
  // Without the largest logit exp would overflow float64 from 710 on.
  const largest = largestLogit(logits, at, classes);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += exp(logits[at + c]! - largest);
  for (let c = 0; c < classes; c++) probabilities[at + c] = exp(logits[at + c]! - largest) / sum;
  return sum;
}
