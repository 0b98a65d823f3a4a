import type { Relu, ReluSpec } from "../backend.js";
import { checkShape, sizeOf } from "../shape.js";
import type { GpuContext } from "./context.js";
import { onGpu } from "./tensor.js";

/** output = max(0, input). Written as a comparison that NaN fails, so that NaN stays NaN. */
export function relu(context: GpuContext, { shape }: ReluSpec): Relu {
  checkShape("relu", shape);
  const size = sizeOf(shape);
  const forward = context.kernel({
    size,
    source: `function (input) {
      const value = input[this.thread.x];
      if (value <= 0.0) return 0.0;
      return value;
    }`,
  });
  const backward = context.kernel({
    size,
    source: `function (output, outputGradient) {
      if (output[this.thread.x] > 0.0) return outputGradient[this.thread.x];
      return 0.0;
    }`,
  });
  return {
    forward: (input, output) => context.run(forward, onGpu(output), onGpu(input)),
    backward: (output, outputGradient, inputGradient) =>
      context.run(backward, onGpu(inputGradient), onGpu(output), onGpu(outputGradient)),
  };
}
