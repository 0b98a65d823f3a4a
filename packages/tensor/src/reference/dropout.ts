import type { Dropout, DropoutSpec } from "../backend.js";
import { drawDropoutMask } from "../random.js";
import { type DropoutSizes, dropoutSizes } from "../specs.js";

/** Inverted dropout (Srivastava et al., 2014): what stays is scaled up, so that predictions need no change. */
export function dropout(spec: DropoutSpec): Dropout {
  const sizes = dropoutSizes(spec);
  return {
    maskShape: sizes.maskShape,
    forward(input, output, mask, key) {
      for (let n = 0; n < sizes.batch; n++) {
        const words = mask.data.subarray(n * sizes.pictureWords, (n + 1) * sizes.pictureWords);
        drawDropoutMask(words, sizes.pictureSize, sizes.threshold, { ...key, picture: key.picture + n });
      }
      applyMask(sizes, mask.data, input.data, output.data);
    },
    backward(outputGradient, mask, inputGradient) {
      applyMask(sizes, mask.data, outputGradient.data, inputGradient.data);
    },
  };
}

function applyMask(sizes: DropoutSizes, mask: Uint32Array, source: Float32Array, target: Float32Array): void {
  const { batch, pictureSize, pictureWords, scale } = sizes;
  for (let n = 0; n < batch; n++) {
    for (let e = 0; e < pictureSize; e++) {
      const at = n * pictureSize + e;
      const kept = (mask[n * pictureWords + (e >> 5)]! >>> (e & 31)) & 1;
      target[at] = kept === 1 ? source[at]! * scale : 0;
    }
  }
}
