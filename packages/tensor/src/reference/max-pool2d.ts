import type { MaxPool2d, MaxPool2dSpec } from "../backend.js";
import { type MaxPool2dSizes, maxPool2dSizes } from "../specs.js";

/** output[n, y, x, c] = max over i, j of input[n, y·stride + i, x·stride + j, c]. */
export function maxPool2d(spec: MaxPool2dSpec): MaxPool2d {
  const sizes = maxPool2dSizes(spec);
  return {
    outputShape: sizes.outputShape,
    forward(input, output) {
      forward(sizes, input.data, output.data);
    },
    backward(input, output, outputGradient, inputGradient) {
      backward(sizes, {
        input: input.data,
        output: output.data,
        outputGradient: outputGradient.data,
        inputGradient: inputGradient.data,
      });
    },
  };
}

/** Visits every output value with the input value at its window's first corner. */
function walk(sizes: MaxPool2dSizes, visit: (outputAt: number, inputAt: number) => void): void {
  const { batch, height, width, channels, stride, outputHeight, outputWidth } = sizes;
  let outputAt = 0;
  for (let n = 0; n < batch; n++) {
    for (let y = 0; y < outputHeight; y++) {
      for (let x = 0; x < outputWidth; x++) {
        const corner = ((n * height + y * stride) * width + x * stride) * channels;
        for (let c = 0; c < channels; c++) visit(outputAt++, corner + c);
      }
    }
  }
}

function forward(sizes: MaxPool2dSizes, input: Float32Array, output: Float32Array): void {
  const { width, channels, size } = sizes;
  walk(sizes, (outputAt, inputAt) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const value = input[inputAt + (i * width + j) * channels]!;
        // Math.max lets NaN win.
        largest = Math.max(largest, value);
      }
    }
    output[outputAt] = largest;
  });
}

function backward(
  sizes: MaxPool2dSizes,
  tensors: { input: Float32Array; output: Float32Array; outputGradient: Float32Array; inputGradient: Float32Array },
): void {
  const { input, output, outputGradient, inputGradient } = tensors;
  const { width, channels, size } = sizes;
  inputGradient.fill(0);
  walk(sizes, (outputAt, inputAt) => {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const at = inputAt + (i * width + j) * channels;
        if (input[at] !== output[outputAt]) continue;
        inputGradient[at]! += outputGradient[outputAt]!;
        return;
      }
    }
  });
}
