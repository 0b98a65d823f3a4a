import type { Linear, LinearSpec } from "../backend.js";
import { linearSizes } from "../specs.js";
import { columnSum } from "./column-sum.js";
import type { GpuContext } from "./context.js";
import { quotient } from "./product.js";
import { GpuTensor, onGpu } from "./tensor.js";

/** output[n, o] = bias[o] + Σ over i of input[n, i] · weight[i, o]. */
export function linear(context: GpuContext, spec: LinearSpec): Linear {
  const { batch, inputs, outputs } = linearSizes(spec);
  const forward = context.kernel({
    size: batch * outputs,
    source: `function (input, weight, bias) {
      const n = ${quotient("this.thread.x", outputs)};
      const o = this.thread.x - n * ${outputs};
      let sum = bias[o];
      for (let i = 0; i < ${inputs}; i++) sum += input[n * ${inputs} + i] * weight[i * ${outputs} + o];
      return sum;
    }`,
  });
  const backwardInput = context.kernel({
    size: batch * inputs,
    source: `function (outputGradient, weight) {
      const n = ${quotient("this.thread.x", inputs)};
      const i = this.thread.x - n * ${inputs};
      let sum = 0.0;
      for (let o = 0; o < ${outputs}; o++) sum += outputGradient[n * ${outputs} + o] * weight[i * ${outputs} + o];
      return sum;
    }`,
  });
  const backwardWeight = context.kernel({
    size: inputs * outputs,
    source: `function (input, outputGradient) {
      const i = ${quotient("this.thread.x", outputs)};
      const o = this.thread.x - i * ${outputs};
      let sum = 0.0;
      for (let n = 0; n < ${batch}; n++) sum += input[n * ${inputs} + i] * outputGradient[n * ${outputs} + o];
      return sum;
    }`,
  });
  const addBias = columnSum(context, { rows: batch, columns: outputs });
  let weight = new GpuTensor(context, [inputs, outputs], "float32") as GpuTensor;
  let bias = new GpuTensor(context, [outputs], "float32") as GpuTensor;
  return {
    prepare(nextWeight, nextBias) {
      weight = onGpu(nextWeight);
      bias = onGpu(nextBias);
    },
    forward: (input, output) => context.run(forward, onGpu(output), onGpu(input), weight, bias),
    backwardInput: (outputGradient, inputGradient) =>
      context.run(backwardInput, onGpu(inputGradient), onGpu(outputGradient), weight),
    async backwardWeight(input, outputGradient, weightGradient, biasGradient) {
      await context.run(backwardWeight, onGpu(weightGradient), onGpu(input), onGpu(outputGradient));
      await addBias(onGpu(outputGradient), onGpu(biasGradient));
    },
  };
}
