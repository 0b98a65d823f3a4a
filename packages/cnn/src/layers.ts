import type { Shape } from "@cifar/tensor";
import { CnnError } from "./errors.js";

/** 2-D convolution with zero padding and bias, `filters` square kernels. */
export interface Conv2dLayer {
  readonly type: "conv2d";
  readonly filters: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** max(0, x). */
export interface ReluLayer {
  readonly type: "relu";
}

/** Inverted dropout in training, nothing otherwise. */
export interface DropoutLayer {
  readonly type: "dropout";
  readonly rate: number;
}

/** The largest value of each window, without padding. */
export interface MaxPool2dLayer {
  readonly type: "maxPool2d";
  readonly size: number;
  readonly stride: number;
}

/** [height, width, channels] → [height · width · channels]. */
export interface FlattenLayer {
  readonly type: "flatten";
}

/** x · W + b. */
export interface LinearLayer {
  readonly type: "linear";
  readonly outputs: number;
}

/** A layer as plain data: what a model file holds of it. */
export type LayerDescription = Conv2dLayer | ReluLayer | DropoutLayer | MaxPool2dLayer | FlattenLayer | LinearLayer;

/** A network as plain data. */
export interface Architecture {
  /** [height, width, channels] of one picture. */
  readonly input: Shape;
  readonly layers: readonly LayerDescription[];
}

/** A convolution; stride 1 and padding 0 unless given. */
export function conv2d(options: { filters: number; kernel: number; stride?: number; padding?: number }): Conv2dLayer {
  const { filters, kernel, stride = 1, padding = 0 } = options;
  return { type: "conv2d", filters, kernel, stride, padding };
}

export function relu(): ReluLayer {
  return { type: "relu" };
}

/** Sets values to 0 with probability `rate` (0 ≤ rate < 1) while training. */
export function dropout(rate: number): DropoutLayer {
  return { type: "dropout", rate };
}

/** Max-pooling; the stride is `size` unless given. */
export function maxPool2d(options: { size: number; stride?: number }): MaxPool2dLayer {
  const { size, stride = size } = options;
  return { type: "maxPool2d", size, stride };
}

export function flatten(): FlattenLayer {
  return { type: "flatten" };
}

export function linear(options: { outputs: number }): LinearLayer {
  return { type: "linear", outputs: options.outputs };
}

/** Largest number of values in one tensor of a network: 1 GiB of float32. Files cannot ask for more. */
const MAX_VALUES = 2 ** 28;

/** What a layer makes of one picture. */
export interface LayerShape {
  /** Without the batch dimension. */
  readonly output: Shape;
  /** Shapes of its trainable parameters; filters are HWIO, linear weights [in, out]. */
  readonly parameters: { readonly weight: Shape; readonly bias: Shape } | undefined;
  /** Floating-point operations of its forward pass for one picture: two a multiply-add. */
  readonly flops: number;
}

/**
 * Checks a layer against its input and says what it makes of it.
 * @param input shape of one picture at its door, without the batch dimension
 * @param index position in the network, for the message
 * @throws CnnError INVALID_ARGUMENT, SHAPE_MISMATCH
 */
export function shapeOfLayer(layer: LayerDescription, input: Shape, index: number): LayerShape {
  const where = `layer ${index} (${layer.type})`;
  switch (layer.type) {
    case "conv2d": {
      const [height, width, channels] = picture(where, input);
      const { filters, kernel, stride, padding } = layer;
      whole(where, "filters", filters, 1);
      whole(where, "kernel", kernel, 1);
      whole(where, "stride", stride, 1);
      whole(where, "padding", padding, 0);
      const output = [
        windows(where, { side: height, kernel, stride, padding }),
        windows(where, { side: width, kernel, stride, padding }),
        filters,
      ];
      const weight = [kernel, kernel, channels, filters];
      const flops = 2 * product(weight) * output[0]! * output[1]! + product(output);
      return { output: sized(where, output), parameters: { weight: sized(where, weight), bias: [filters] }, flops };
    }
    case "maxPool2d": {
      const [height, width, channels] = picture(where, input);
      const { size, stride } = layer;
      whole(where, "size", size, 1);
      whole(where, "stride", stride, 1);
      const output = [
        windows(where, { side: height, kernel: size, stride, padding: 0 }),
        windows(where, { side: width, kernel: size, stride, padding: 0 }),
        channels,
      ];
      return { output, parameters: undefined, flops: product(output) * (size * size - 1) };
    }
    case "relu":
      return { output: input, parameters: undefined, flops: product(input) };
    case "dropout":
      if (!(layer.rate >= 0 && layer.rate < 1)) {
        throw new CnnError("INVALID_ARGUMENT", `${where}: rate must be at least 0 and below 1, not ${layer.rate}`);
      }
      return { output: input, parameters: undefined, flops: 0 };
    case "flatten":
      return { output: [product(input)], parameters: undefined, flops: 0 };
    case "linear": {
      whole(where, "outputs", layer.outputs, 1);
      if (input.length !== 1) {
        throw new CnnError("SHAPE_MISMATCH", `${where}: expects a row of values, put flatten() before it`);
      }
      const weight = [input[0]!, layer.outputs];
      const flops = 2 * product(weight) + layer.outputs;
      return { output: [layer.outputs], parameters: { weight: sized(where, weight), bias: [layer.outputs] }, flops };
    }
  }
}

function product(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

function picture(where: string, input: Shape): readonly [number, number, number] {
  const [height, width, channels] = input;
  if (input.length !== 3 || height === undefined || width === undefined || channels === undefined) {
    throw new CnnError("SHAPE_MISMATCH", `${where}: expects [height, width, channels], not [${input.join(", ")}]`);
  }
  return [height, width, channels];
}

function whole(where: string, what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new CnnError("INVALID_ARGUMENT", `${where}: ${what} must be a whole number of at least ${least}, not ${value}`);
}

function windows(where: string, window: { side: number; kernel: number; stride: number; padding: number }): number {
  const output = Math.floor((window.side + 2 * window.padding - window.kernel) / window.stride) + 1;
  if (output >= 1) return output;
  throw new CnnError(
    "SHAPE_MISMATCH",
    `${where}: a window of ${window.kernel} does not fit into ${window.side} values padded by ${window.padding}`,
  );
}

function sized(where: string, shape: Shape): Shape {
  if (product(shape) <= MAX_VALUES) return shape;
  throw new CnnError("INVALID_ARGUMENT", `${where}: [${shape.join(", ")}] is more than ${MAX_VALUES} values`);
}
