import type { MaxPool2d, MaxPool2dSpec } from "../backend.js";
import { sizeOf } from "../shape.js";
import { type MaxPool2dSizes, maxPool2dSizes } from "../specs.js";
import type { GpuContext } from "./context.js";
import { quotient } from "./product.js";
import { onGpu } from "./tensor.js";

/** The largest value of each window; NaN wins. */
export function maxPool2d(context: GpuContext, spec: MaxPool2dSpec): MaxPool2d {
  const sizes = maxPool2dSizes(spec);
  const forward = context.kernel({ size: sizeOf(sizes.outputShape), source: forwardSource(sizes) });
  const backward = context.kernel({ size: sizeOf(sizes.inputShape), source: backwardSource(sizes) });
  return {
    outputShape: sizes.outputShape,
    forward: (input, output) => context.run(forward, onGpu(output), onGpu(input)),
    backward: (input, output, outputGradient, inputGradient) =>
      context.run(backward, onGpu(inputGradient), onGpu(input), onGpu(output), onGpu(outputGradient)),
  };
}

function forwardSource({ height, width, channels, size, stride, outputHeight, outputWidth }: MaxPool2dSizes): string {
  return `function (input) {
      const pixel = ${quotient("this.thread.x", channels)};
      const c = this.thread.x - pixel * ${channels};
      const row = ${quotient("pixel", outputWidth)};
      const x = pixel - row * ${outputWidth};
      const n = ${quotient("row", outputHeight)};
      const y = row - n * ${outputHeight};
      const corner = ((n * ${height} + y * ${stride}) * ${width} + x * ${stride}) * ${channels} + c;
      let largest = input[corner];
      for (let i = 0; i < ${size}; i++) {
        for (let j = 0; j < ${size}; j++) {
          const value = input[corner + (i * ${width} + j) * ${channels}];
          if (value > largest || value !== value) largest = value;
        }
      }
      return largest;
    }`;
}

/**
 * Each input value takes the gradient of those windows whose maximum it is, unless an earlier position of the window equals
 * the maximum as well.
 */
function backwardSource(sizes: MaxPool2dSizes): string {
  const { height, width, channels, size, stride, outputHeight, outputWidth } = sizes;
  return `function (input, output, outputGradient) {
      const pixel = ${quotient("this.thread.x", channels)};
      const c = this.thread.x - pixel * ${channels};
      const row = ${quotient("pixel", width)};
      const x = pixel - row * ${width};
      const n = ${quotient("row", height)};
      const y = row - n * ${height};
      const value = input[this.thread.x];
      let sum = 0.0;
      for (let i = 0; i < ${size}; i++) {
        const downY = y - i;
        const outputY = ${quotient("downY", stride)};
        if (downY >= 0 && outputY * ${stride} === downY && outputY < ${outputHeight}) {
          for (let j = 0; j < ${size}; j++) {
            const downX = x - j;
            const outputX = ${quotient("downX", stride)};
            if (downX >= 0 && outputX * ${stride} === downX && outputX < ${outputWidth}) {
              const at = ((n * ${outputHeight} + outputY) * ${outputWidth} + outputX) * ${channels} + c;
              const largest = output[at];
              if (value === largest) {
                const corner = ((n * ${height} + downY) * ${width} + downX) * ${channels} + c;
                let earlier = 0;
                for (let a = 0; a < ${size}; a++) {
                  for (let b = 0; b < ${size}; b++) {
                    if (a * ${size} + b < i * ${size} + j) {
                      if (input[corner + (a * ${width} + b) * ${channels}] === largest) earlier = 1;
                    }
                  }
                }
                if (earlier === 0) sum += outputGradient[at];
              }
            }
          }
        }
      }
      return sum;
    }`;
}
