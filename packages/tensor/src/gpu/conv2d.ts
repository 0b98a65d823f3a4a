import type { Conv2d, Conv2dSpec } from "../backend.js";
import { sizeOf } from "../shape.js";
import { type Conv2dSizes, conv2dSizes } from "../specs.js";
import { columnSum } from "./column-sum.js";
import type { GpuContext } from "./context.js";
import { partsOf, quotient } from "./product.js";
import { GpuTensor, onGpu } from "./tensor.js";

/** Cross-correlation, a thread for each output value; NHWC pictures, HWIO filters. */
export function conv2d(context: GpuContext, spec: Conv2dSpec): Conv2d {
  const sizes = conv2dSizes(spec);
  const { batch, filters, outputHeight, outputWidth, outputShape, filterShape, inputShape } = sizes;
  const forward = context.kernel({ size: sizeOf(outputShape), source: forwardSource(sizes) });
  const backwardInput = context.kernel({ size: sizeOf(inputShape), source: inputGradientSource(sizes) });
  // Few filter values sum over many positions: pictures are cut into groups, whose sums are added in a second step.
  const results = sizeOf(filterShape);
  const groups = partsOf(batch, results);
  const partial = new GpuTensor(context, [groups, results], "float32");
  const backwardFilter = context.kernel({ size: groups * results, source: filterGradientSource(sizes, groups) });
  const addGroups = columnSum(context, { rows: groups, columns: results });
  const addBias = columnSum(context, { rows: batch * outputHeight * outputWidth, columns: filters });
  let filter = new GpuTensor(context, filterShape, "float32") as GpuTensor;
  let bias = new GpuTensor(context, [filters], "float32") as GpuTensor;
  return {
    outputShape,
    filterShape,
    prepare(nextFilter, nextBias) {
      filter = onGpu(nextFilter);
      bias = onGpu(nextBias);
    },
    forward: (input, output) => context.run(forward, onGpu(output), onGpu(input), filter, bias),
    backwardInput: (outputGradient, inputGradient) =>
      context.run(backwardInput, onGpu(inputGradient), onGpu(outputGradient), filter),
    async backwardFilter(input, outputGradient, filterGradient, biasGradient) {
      await context.run(backwardFilter, partial, onGpu(input), onGpu(outputGradient));
      await addGroups(partial, onGpu(filterGradient));
      await addBias(onGpu(outputGradient), onGpu(biasGradient));
    },
  };
}

/** Source text that finds n, y, x and channel of the value that a thread computes. */
function position(height: number, width: number, channels: number): string {
  return `
      const pixel = ${quotient("this.thread.x", channels)};
      const channel = this.thread.x - pixel * ${channels};
      const row = ${quotient("pixel", width)};
      const x = pixel - row * ${width};
      const n = ${quotient("row", height)};
      const y = row - n * ${height};`;
}

function forwardSource(sizes: Conv2dSizes): string {
  const { height, width, channels, filters, kernel, stride, padding, outputHeight, outputWidth, relu } = sizes;
  return `function (input, filter, bias) {${position(outputHeight, outputWidth, filters)}
      let sum = bias[channel];
      for (let i = 0; i < ${kernel}; i++) {
        const inputY = y * ${stride} + i - ${padding};
        if (inputY >= 0 && inputY < ${height}) {
          for (let j = 0; j < ${kernel}; j++) {
            const inputX = x * ${stride} + j - ${padding};
            if (inputX >= 0 && inputX < ${width}) {
              const from = ((n * ${height} + inputY) * ${width} + inputX) * ${channels};
              const weights = (i * ${kernel} + j) * ${channels * filters} + channel;
              for (let c = 0; c < ${channels}; c++) {
                sum += input[from + c] * filter[weights + c * ${filters}];
              }
            }
          }
        }
      }
      ${relu ? "if (sum <= 0.0) return 0.0;" : ""}
      return sum;
    }`;
}

/** Each input value gathers from the outputs whose windows it lies in. */
function inputGradientSource(sizes: Conv2dSizes): string {
  const { height, width, channels, filters, kernel, stride, padding, outputHeight, outputWidth } = sizes;
  return `function (outputGradient, filter) {${position(height, width, channels)}
      let sum = 0.0;
      for (let i = 0; i < ${kernel}; i++) {
        const downY = y + ${padding} - i;
        const outputY = ${quotient("downY", stride)};
        if (downY >= 0 && outputY * ${stride} === downY && outputY < ${outputHeight}) {
          for (let j = 0; j < ${kernel}; j++) {
            const downX = x + ${padding} - j;
            const outputX = ${quotient("downX", stride)};
            if (downX >= 0 && outputX * ${stride} === downX && outputX < ${outputWidth}) {
              const from = ((n * ${outputHeight} + outputY) * ${outputWidth} + outputX) * ${filters};
              const weights = ((i * ${kernel} + j) * ${channels} + channel) * ${filters};
              for (let f = 0; f < ${filters}; f++) {
                sum += outputGradient[from + f] * filter[weights + f];
              }
            }
          }
        }
      }
      return sum;
    }`;
}

/** [groups, kernel, kernel, channels, filters]: each group sums over its pictures. */
function filterGradientSource(sizes: Conv2dSizes, groups: number): string {
  const { batch, height, width, channels, filters, kernel, stride, padding, outputHeight, outputWidth } = sizes;
  const share = Math.ceil(batch / groups);
  return `function (input, outputGradient) {
      const place = ${quotient("this.thread.x", filters)};
      const f = this.thread.x - place * ${filters};
      const tap = ${quotient("place", channels)};
      const c = place - tap * ${channels};
      const line = ${quotient("tap", kernel)};
      const j = tap - line * ${kernel};
      const group = ${quotient("line", kernel)};
      const i = line - group * ${kernel};
      let sum = 0.0;
      for (let m = 0; m < ${share}; m++) {
        const n = group * ${share} + m;
        if (n < ${batch}) {
          for (let y = 0; y < ${outputHeight}; y++) {
            const inputY = y * ${stride} + i - ${padding};
            if (inputY >= 0 && inputY < ${height}) {
              for (let x = 0; x < ${outputWidth}; x++) {
                const inputX = x * ${stride} + j - ${padding};
                if (inputX >= 0 && inputX < ${width}) {
                  const from = ((n * ${height} + inputY) * ${width} + inputX) * ${channels} + c;
                  const to = ((n * ${outputHeight} + y) * ${outputWidth} + x) * ${filters} + f;
                  sum += input[from] * outputGradient[to];
                }
              }
            }
          }
        }
      }
      return sum;
    }`;
}
