import type {
  Conv2dSpec,
  DropoutSpec,
  LinearSpec,
  MaxPool2dSpec,
  MuonSpec,
  SgdSpec,
  SoftmaxCrossEntropySpec,
  SoftmaxSpec,
  SumSpec,
} from "./backend.js";
import { TensorError } from "./errors.js";
import { checkShape, formatShape, type Shape, sizeOf, windowOutput } from "./shape.js";

/*
 * The public door of every backend: a spec goes in, the same spec with its defaults, checked, and with the sizes that
 * follow from it comes out. Inside, kernels trust what they get.
 */

/** Sizes of a convolution, all checked. */
export interface Conv2dSizes {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly relu: boolean;
  readonly gradients: { readonly input: boolean; readonly filter: boolean };
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly filterShape: Shape;
}

/** @throws TensorError INVALID_ARGUMENT */
export function conv2dSizes(spec: Conv2dSpec): Conv2dSizes {
  const [batch, height, width, channels] = checkPictures("conv2d", spec.input);
  const { filters, kernel, stride = 1, padding = 0, relu = false } = spec;
  checkCount("conv2d", "filters", filters, 1);
  checkCount("conv2d", "kernel", kernel, 1);
  checkCount("conv2d", "stride", stride, 1);
  checkCount("conv2d", "padding", padding, 0);
  const outputHeight = windowOutput("conv2d", { input: height, kernel, stride, padding });
  const outputWidth = windowOutput("conv2d", { input: width, kernel, stride, padding });
  const outputShape = [batch, outputHeight, outputWidth, filters];
  const filterShape = [kernel, kernel, channels, filters];
  const padded = [height + 2 * padding, width + 2 * padding, channels];
  for (const shape of [outputShape, filterShape, padded]) checkShape("conv2d", shape);
  return {
    batch,
    height,
    width,
    channels,
    filters,
    kernel,
    // A longer one has no second window to move to either.
    stride: Math.min(stride, Math.max(height, width) + 2 * padding),
    padding,
    outputHeight,
    outputWidth,
    relu,
    gradients: spec.gradients ?? { input: true, filter: true },
    inputShape: [...spec.input],
    outputShape,
    filterShape,
  };
}

/** Sizes of a max-pooling, all checked. */
export interface MaxPool2dSizes {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly size: number;
  readonly stride: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly inputShape: Shape;
  readonly outputShape: Shape;
}

/** @throws TensorError INVALID_ARGUMENT */
export function maxPool2dSizes(spec: MaxPool2dSpec): MaxPool2dSizes {
  const [batch, height, width, channels] = checkPictures("maxPool2d", spec.input);
  const { size, stride = size } = spec;
  checkCount("maxPool2d", "size", size, 1);
  checkCount("maxPool2d", "stride", stride, 1);
  const outputHeight = windowOutput("maxPool2d", { input: height, kernel: size, stride, padding: 0 });
  const outputWidth = windowOutput("maxPool2d", { input: width, kernel: size, stride, padding: 0 });
  return {
    batch,
    height,
    width,
    channels,
    size,
    // A longer one has no second window to move to either.
    stride: Math.min(stride, Math.max(height, width)),
    outputHeight,
    outputWidth,
    inputShape: [...spec.input],
    outputShape: [batch, outputHeight, outputWidth, channels],
  };
}

/** Sizes of a dropout, all checked. */
export interface DropoutSizes {
  readonly shape: Shape;
  readonly batch: number;
  /** Values of one picture. */
  readonly pictureSize: number;
  /** Words of the mask of one picture. */
  readonly pictureWords: number;
  readonly maskShape: Shape;
  /** A value stays if its 16 random bits are at least this: rate · 65536, rounded, at most 65535 so that some stay. */
  readonly threshold: number;
  /** What values that stay are multiplied by: 1 / (1 − rate) as float32. */
  readonly scale: number;
}

/** @throws TensorError INVALID_ARGUMENT */
export function dropoutSizes({ shape, rate }: DropoutSpec): DropoutSizes {
  checkShape("dropout", shape);
  if (!(rate >= 0 && rate < 1)) {
    throw new TensorError("INVALID_ARGUMENT", `dropout: rate must be at least 0 and below 1, but is ${rate}`);
  }
  const batch = shape[0] ?? 1;
  const pictureSize = sizeOf(shape) / batch;
  const pictureWords = Math.ceil(pictureSize / 32);
  return {
    shape: [...shape],
    batch,
    pictureSize,
    pictureWords,
    maskShape: [batch, pictureWords],
    threshold: Math.min(65_535, Math.round(rate * 65_536)),
    scale: Math.fround(1 / (1 - rate)),
  };
}

/** A linear layer's spec, checked and complete. */
export type LinearSizes = Required<LinearSpec>;

/** @throws TensorError INVALID_ARGUMENT */
export function linearSizes(spec: LinearSpec): LinearSizes {
  checkCount("linear", "batch", spec.batch, 1);
  checkCount("linear", "inputs", spec.inputs, 1);
  checkCount("linear", "outputs", spec.outputs, 1);
  const { batch, inputs, outputs } = spec;
  for (const shape of [
    [inputs, outputs],
    [batch, inputs],
    [batch, outputs],
  ]) {
    checkShape("linear", shape);
  }
  return { ...spec, gradients: spec.gradients ?? { input: true, weight: true } };
}

/** @throws TensorError INVALID_ARGUMENT */
export function softmaxCrossEntropySizes(spec: SoftmaxCrossEntropySpec): Required<SoftmaxCrossEntropySpec> {
  checkCount("softmaxCrossEntropy", "batch", spec.batch, 1);
  checkCount("softmaxCrossEntropy", "classes", spec.classes, 1);
  checkShape("softmaxCrossEntropy", [spec.batch, spec.classes]);
  const { labelSmoothing = 0 } = spec;
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new TensorError(
      "INVALID_ARGUMENT",
      `softmaxCrossEntropy: labelSmoothing must be at least 0 and below 1, but is ${labelSmoothing}`,
    );
  }
  return { batch: spec.batch, classes: spec.classes, labelSmoothing };
}

/** @throws TensorError INVALID_ARGUMENT */
export function softmaxSizes(spec: SoftmaxSpec): SoftmaxSpec {
  checkCount("softmax", "batch", spec.batch, 1);
  checkCount("softmax", "classes", spec.classes, 1);
  checkShape("softmax", [spec.batch, spec.classes]);
  return spec;
}

/** @throws TensorError INVALID_ARGUMENT */
export function sumSizes({ shape, count }: SumSpec): { readonly size: number; readonly count: number } {
  checkShape("sum", shape);
  checkCount("sum", "count", count, 1);
  checkShape("sum", [count, ...shape]);
  return { size: sizeOf(shape), count };
}

/** An optimiser's spec, checked and complete, with the number of parameters. */
export type SgdSizes = Required<SgdSpec> & { readonly size: number };

/** @throws TensorError INVALID_ARGUMENT */
export function sgdSizes(spec: SgdSpec): SgdSizes {
  checkShape("sgd", spec.shape);
  const { momentum = 0, nesterov = false } = spec;
  checkMomentum("sgd", momentum);
  if (nesterov && momentum === 0) {
    throw new TensorError("INVALID_ARGUMENT", "sgd: nesterov needs a momentum above 0");
  }
  return { shape: [...spec.shape], momentum, nesterov, size: sizeOf(spec.shape) };
}

/** A matrix to be updated, tall: [rows, columns] with rows ≥ columns, or the transpose of the parameter's matrix. */
export interface MuonSizes {
  readonly shape: Shape;
  readonly size: number;
  readonly rows: number;
  readonly columns: number;
  /** The parameter is wider than tall, and computed with as its transpose. */
  readonly transposed: boolean;
  readonly momentum: number;
  /** √max(1, filters / rows): keeps the effect on outputs the same where a matrix is wide. */
  readonly stretch: number;
}

/** @throws TensorError INVALID_ARGUMENT */
export function muonSizes({ shape, momentum = 0 }: MuonSpec): MuonSizes {
  checkShape("muon", shape);
  checkMomentum("muon", momentum);
  if (shape.length < 2) {
    throw new TensorError(
      "INVALID_ARGUMENT",
      `muon: needs a matrix or filters, but the shape is ${formatShape(shape)}`,
    );
  }
  const size = sizeOf(shape);
  const filters = shape.at(-1)!;
  const inputs = size / filters;
  const transposed = inputs < filters;
  return {
    shape: [...shape],
    size,
    rows: transposed ? filters : inputs,
    columns: transposed ? inputs : filters,
    transposed,
    momentum,
    stretch: Math.fround(Math.sqrt(Math.max(1, filters / inputs))),
  };
}

function checkMomentum(operation: string, momentum: number): void {
  if (momentum >= 0 && momentum < 1) return;
  throw new TensorError(
    "INVALID_ARGUMENT",
    `${operation}: momentum must be at least 0 and below 1, but is ${momentum}`,
  );
}

function checkCount(operation: string, name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new TensorError(
    "INVALID_ARGUMENT",
    `${operation}: ${name} must be a whole number of at least ${least}, but is ${value}`,
  );
}

function checkPictures(operation: string, shape: Shape): readonly [number, number, number, number] {
  checkShape(operation, shape);
  const [batch, height, width, channels, ...rest] = shape;
  if (channels === undefined || rest.length > 0) {
    throw new TensorError(
      "INVALID_ARGUMENT",
      `${operation}: input must have shape [batch, height, width, channels], but has ${formatShape(shape)}`,
    );
  }
  return [batch!, height!, width!, channels];
}
