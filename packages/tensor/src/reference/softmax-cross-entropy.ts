import type { SoftmaxCrossEntropy, SoftmaxCrossEntropySpec } from "../backend.js";
import { log } from "../math.js";
import { softmaxCrossEntropySizes } from "../specs.js";
import { largestLogit, softmaxRow } from "./softmax.js";

/**
 * loss = −Σ over c of target[c] · log probability[c] with target = (1 − s) · one-hot + s / classes, where
 * log probability[c] = logit[c] − largest − log Σ exp(logit − largest) does not overflow. Classes whose target is 0 do not
 * count, however improbable: a logit of −Infinity there adds nothing, as in PyTorch.
 */
export function softmaxCrossEntropy(spec: SoftmaxCrossEntropySpec): SoftmaxCrossEntropy {
  const { batch, classes, labelSmoothing } = softmaxCrossEntropySizes(spec);
  const rest = labelSmoothing / classes;
  return {
    forward({ data: logits }, { data: labels }, { data: probabilities }, { data: losses }) {
      for (let n = 0; n < batch; n++) {
        const at = n * classes;
        const label = labels[n]!;
        const labelLogit = label < 0 ? 0 : logits[at + label]!;
        let smoothed = 0;
        if (rest > 0) {
          for (let c = 0; c < classes; c++) smoothed += logits[at + c]!;
          smoothed *= rest;
        }
        const logSum = largestLogit(logits, at, classes) + log(softmaxRow(logits, probabilities, at, classes));
        losses[n] = label < 0 ? 0 : logSum - (1 - labelSmoothing) * labelLogit - smoothed;
      }
    },
    backward({ data: probabilities }, { data: labels }, scale, { data: logitsGradient }) {
      for (let n = 0; n < batch; n++) {
        const label = labels[n]!;
        for (let c = 0; c < classes; c++) {
          const at = n * classes + c;
          const target = c === label ? 1 - labelSmoothing + rest : rest;
          logitsGradient[at] = label < 0 ? 0 : (probabilities[at]! - target) * scale;
        }
      }
    },
  };
}
