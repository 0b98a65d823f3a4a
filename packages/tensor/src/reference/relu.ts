import type { Relu, ReluSpec } from "../backend.js";
import { checkShape } from "../shape.js";

/** output = max(0, input); NaN stays NaN. */
export function relu({ shape }: ReluSpec): Relu {
  checkShape("relu", shape);
  return {
    forward({ data: input }, { data: output }) {
      for (let i = 0; i < input.length; i++) output[i] = Math.max(0, input[i]!);
    },
    backward({ data: output }, { data: outputGradient }, { data: inputGradient }) {
      for (let i = 0; i < output.length; i++) inputGradient[i] = output[i]! > 0 ? outputGradient[i]! : 0;
    },
  };
}
