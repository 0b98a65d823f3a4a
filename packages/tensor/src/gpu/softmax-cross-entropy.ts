import type { SoftmaxCrossEntropy, SoftmaxCrossEntropySpec } from "../backend.js";
import { softmaxCrossEntropySizes } from "../specs.js";
import type { GpuContext } from "./context.js";
import { quotient } from "./product.js";
import { largestAndSum, softmax } from "./softmax.js";
import { onGpu } from "./tensor.js";

/** Softmax and cross-entropy with label smoothing; see the reference's file for the formula. */
export function softmaxCrossEntropy(context: GpuContext, spec: SoftmaxCrossEntropySpec): SoftmaxCrossEntropy {
  const { batch, classes, labelSmoothing } = softmaxCrossEntropySizes(spec);
  const rest = (labelSmoothing / classes).toFixed(9);
  const main = (1 - labelSmoothing).toFixed(9);
  const { forward: toProbabilities } = softmax(context, { batch, classes });
  const losses = context.kernel({
    size: batch,
    source: `function (logits, labels) {
      const start = this.thread.x * ${classes};
      const label = labels[this.thread.x];
      ${largestAndSum(classes)}
      // Every logit's distance below the largest, so that large logits do not cancel in float32.
      let loss = sum;
      if (sum > 0.0) loss = Math.log(sum);
      for (let c = 0; c < ${classes}; c++) {
        let target = ${rest};
        if (label > c - 0.5 && label < c + 0.5) target += ${main};
        if (target > 0.0) loss += target * (largest - logits[start + c]);
      }
      if (label < 0.0) loss = 0.0;
      return loss;
    }`,
  });
  const backward = context.kernel({
    size: batch * classes,
    source: `function (probabilities, labels, scale) {
      const n = ${quotient("this.thread.x", classes)};
      const c = this.thread.x - n * ${classes};
      const label = labels[n];
      let target = ${rest};
      if (label > c - 0.5 && label < c + 0.5) target += ${main};
      let gradient = (probabilities[this.thread.x] - target) * scale;
      if (label < 0.0) gradient = 0.0;
      return gradient;
    }`,
  });
  return {
    async forward(logits, labels, probabilities, lossesTensor) {
      await context.run(losses, onGpu(lossesTensor), onGpu(logits), onGpu(labels));
      await toProbabilities(logits, probabilities);
    },
    backward: (probabilities, labels, scale, logitsGradient) =>
      context.run(backward, onGpu(logitsGradient), onGpu(probabilities), onGpu(labels), scale),
  };
}
