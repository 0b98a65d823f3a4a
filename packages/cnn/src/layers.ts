import type { Shape } from "@cifar/tensor";

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
