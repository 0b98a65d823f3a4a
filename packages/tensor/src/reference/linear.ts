import type { Linear, LinearSpec } from "../backend.js";
import { linearSizes } from "../specs.js";
import { type Tensor, tensor } from "../tensor.js";

/** output[n, o] = bias[o] + Σ over i of input[n, i] · weight[i, o]. */
export function linear(spec: LinearSpec): Linear {
  const { batch, inputs, outputs } = linearSizes(spec);
  let weight: Tensor = tensor([inputs, outputs]);
  let bias: Tensor = tensor([outputs]);
  const sums = new Float64Array(outputs);
  return {
    prepare(nextWeight, nextBias) {
      weight = nextWeight;
      bias = nextBias;
    },
    forward({ data: input }, { data: output }) {
      const { data: w } = weight;
      for (let n = 0; n < batch; n++) {
        sums.set(bias.data);
        for (let i = 0; i < inputs; i++) {
          const value = input[n * inputs + i]!;
          for (let o = 0; o < outputs; o++) sums[o]! += value * w[i * outputs + o]!;
        }
        output.set(sums, n * outputs);
      }
    },
    backwardInput({ data: outputGradient }, { data: inputGradient }) {
      const { data: w } = weight;
      for (let n = 0; n < batch; n++) {
        for (let i = 0; i < inputs; i++) {
          let sum = 0;
          for (let o = 0; o < outputs; o++) sum += outputGradient[n * outputs + o]! * w[i * outputs + o]!;
          inputGradient[n * inputs + i] = sum;
        }
      }
    },
    backwardWeight({ data: input }, { data: outputGradient }, { data: weightGradient }, { data: biasGradient }) {
      for (let o = 0; o < outputs; o++) {
        let biasSum = 0;
        for (let n = 0; n < batch; n++) biasSum += outputGradient[n * outputs + o]!;
        biasGradient[o] = biasSum;
      }
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) {
          let sum = 0;
          for (let n = 0; n < batch; n++) sum += input[n * inputs + i]! * outputGradient[n * outputs + o]!;
          weightGradient[i * outputs + o] = sum;
        }
      }
    },
  };
}
