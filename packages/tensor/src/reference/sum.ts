import type { Sum, SumSpec } from "../backend.js";
import { sumSizes } from "../specs.js";

/** The sum of tensors in a fixed tree: ((a + b) + (c + d)) + (e + f), and so on, each sum rounded to float32. */
export function sum(spec: SumSpec): Sum {
  const { size, count } = sumSizes(spec);
  const level = new Float32Array(count);
  return {
    forward(inputs, { data: output }) {
      for (let i = 0; i < size; i++) {
        for (let k = 0; k < count; k++) level[k] = inputs[k]!.data[i]!;
        for (let width = count; width > 1; width = Math.ceil(width / 2)) {
          for (let k = 0; k < width >> 1; k++) level[k] = level[2 * k]! + level[2 * k + 1]!;
          if (width % 2 === 1) level[width >> 1] = level[width - 1]!;
        }
        output[i] = level[0]!;
      }
    },
  };
}
