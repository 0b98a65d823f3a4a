import type { Backend } from "../../src/index.js";
import { conv2dSizes } from "../../src/specs.js";
import { fill } from "./backends.js";
import { randomNumbers } from "./numbers.js";

/** Sizes of a convolution. */
export interface Shape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

const sizesOf = ({ batch, height, width, channels, ...rest }: Shape) =>
  conv2dSizes({ input: [batch, height, width, channels], ...rest });

/** The definition in float64, written apart from the implementations: each output, each tap. */
export function definition(shape: Shape, input: Float32Array, filter: Float32Array, bias: Float32Array): Float64Array {
  const { batch, height, width, channels, filters, kernel, stride, padding } = shape;
  const { outputHeight, outputWidth } = sizesOf(shape);
  const output = new Float64Array(batch * outputHeight * outputWidth * filters);
  for (let index = 0; index < output.length; index++) {
    const f = index % filters;
    const x = Math.floor(index / filters) % outputWidth;
    const y = Math.floor(index / filters / outputWidth) % outputHeight;
    const n = Math.floor(index / filters / outputWidth / outputHeight);
    let sum = bias[f]!;
    for (let i = 0; i < kernel; i++) {
      for (let j = 0; j < kernel; j++) {
        const row = y * stride + i - padding;
        const column = x * stride + j - padding;
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        for (let c = 0; c < channels; c++) {
          sum +=
            input[((n * height + row) * width + column) * channels + c]! *
            filter[((i * kernel + j) * channels + c) * filters + f]!;
        }
      }
    }
    output[index] = sum;
  }
  return output;
}

/** Everything that an implementation computes for a shape and these numbers. */
export async function compute(
  backend: Backend,
  shape: Shape,
  numbers: { input: Float32Array; filter: Float32Array; bias: Float32Array; gradient: Float32Array },
  relu = false,
) {
  const { batch, height, width, channels, filters, kernel, stride, padding } = shape;
  const inputShape = [batch, height, width, channels];
  const conv = backend.conv2d({ input: inputShape, filters, kernel, stride, padding, relu });
  const input = await fill(backend, inputShape, numbers.input);
  const output = backend.tensor(conv.outputShape);
  const outputGradient = await fill(backend, conv.outputShape, numbers.gradient);
  const inputGradient = backend.tensor(inputShape);
  const filterGradient = backend.tensor(conv.filterShape);
  const biasGradient = backend.tensor([filters]);
  await conv.prepare(
    await fill(backend, conv.filterShape, numbers.filter),
    await fill(backend, [filters], numbers.bias),
  );
  await conv.forward(input, output);
  await conv.backwardInput(outputGradient, inputGradient);
  await conv.backwardFilter(input, outputGradient, filterGradient, biasGradient);
  return {
    output: await backend.read(output),
    inputGradient: await backend.read(inputGradient),
    filterGradient: await backend.read(filterGradient),
    biasGradient: await backend.read(biasGradient),
  };
}

/** Random numbers for all that a convolution reads. */
export function numbersFor(shape: Shape, seed: number) {
  const { batch, height, width, channels, filters, kernel } = shape;
  const { outputHeight, outputWidth } = sizesOf(shape);
  return {
    input: randomNumbers(batch * height * width * channels, seed),
    filter: randomNumbers(kernel * kernel * channels * filters, seed + 1),
    bias: randomNumbers(filters, seed + 2),
    gradient: randomNumbers(batch * outputHeight * outputWidth * filters, seed + 3),
  };
}
