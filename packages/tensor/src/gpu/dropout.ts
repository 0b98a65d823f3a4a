import type { Dropout, DropoutSpec } from "../backend.js";
import { drawDropoutMask } from "../random.js";
import { sizeOf } from "../shape.js";
import { type DropoutSizes, dropoutSizes } from "../specs.js";
import type { Tensor } from "../tensor.js";
import type { GpuContext } from "./context.js";
import { onGpu } from "./tensor.js";

/** The mask is drawn on the CPU, where whole numbers have 32 bits in every mode; the GPU multiplies by 0 or the scale. */
export function dropout(context: GpuContext, spec: DropoutSpec): Dropout {
  const sizes = dropoutSizes(spec);
  const { batch, pictureSize, pictureWords, threshold, maskShape } = sizes;
  const words = new Uint32Array(batch * pictureWords);
  const factors = new Float32Array(batch * pictureSize);
  const multiply = context.kernel({
    size: sizeOf(sizes.shape),
    source: `function (source, factors) {
      const factor = factors[this.thread.x];
      if (factor > 0.0) return source[this.thread.x] * factor;
      return 0.0;
    }`,
  });
  const apply = async (source: Tensor, mask: Tensor<"uint32">, target: Tensor): Promise<void> => {
    const drawn = onGpu(mask);
    if (!drawn.resident) await drawn.write(expand(sizes, mask.data, factors));
    await context.run(multiply, onGpu(target), onGpu(source), drawn);
  };
  return {
    maskShape,
    async forward(input, output, mask, key) {
      for (let n = 0; n < batch; n++) {
        const picture = words.subarray(n * pictureWords, (n + 1) * pictureWords);
        drawDropoutMask(picture, pictureSize, threshold, { ...key, picture: key.picture + n });
      }
      onGpu(mask).writeWords(words);
      await apply(input, mask, output);
    },
    backward: (outputGradient, mask, inputGradient) => apply(outputGradient, mask, inputGradient),
  };
}

/** From a bit a value to a factor a value. */
function expand(sizes: DropoutSizes, words: Uint32Array, factors: Float32Array): Float32Array {
  const { batch, pictureSize, pictureWords, scale } = sizes;
  for (let n = 0; n < batch; n++) {
    for (let e = 0; e < pictureSize; e++) {
      const kept = (words[n * pictureWords + (e >> 5)]! >>> (e & 31)) & 1;
      factors[n * pictureSize + e] = kept * scale;
    }
  }
  return factors;
}
