import type { Softmax, SoftmaxSpec } from "../backend.js";
import { softmaxSizes } from "../specs.js";
import type { GpuContext } from "./context.js";
import { quotient } from "./product.js";
import { onGpu } from "./tensor.js";

/** probability[c] = exp(logit[c]) / Σ over k of exp(logit[k]). */
export function softmax(context: GpuContext, spec: SoftmaxSpec): Softmax {
  const { batch, classes } = softmaxSizes(spec);
  const forward = context.kernel({
    size: batch * classes,
    source: `function (logits) {
      const start = ${quotient("this.thread.x", classes)} * ${classes};
      ${largestAndSum(classes)}
      return Math.exp(logits[this.thread.x] - largest) / sum;
    }`,
  });
  return { forward: (logits, probabilities) => context.run(forward, onGpu(probabilities), onGpu(logits)) };
}

/**
 * Source text for a row's largest logit and its sum of exp(logit − largest), from `start` on. A distance that is no number
 * (of NaN, or of Infinity from itself) makes the sum NaN: exp of NaN is Infinity on some GPUs.
 */
export function largestAndSum(classes: number): string {
  return `let largest = logits[start];
      for (let c = 1; c < ${classes}; c++) {
        if (logits[start + c] > largest) largest = logits[start + c];
      }
      let sum = 0.0;
      for (let c = 0; c < ${classes}; c++) {
        const distance = logits[start + c] - largest;
        if (distance <= 0.0) sum += Math.exp(distance);
        else sum += distance;
      }`;
}
