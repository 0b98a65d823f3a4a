import type { Shape } from "./shape.js";
import type { DType, Tensor } from "./tensor.js";

/** The implementations: plain TypeScript, WebAssembly SIMD, gpu.js. */
export type BackendName = "reference" | "wasm" | "gpu";

/** A kernel on the CPU is done when it returns; one that has to wait (backend `gpu`) returns a promise. */
export type Done = void | Promise<void>;

/** conv2d: cross-correlation with zero padding, plus bias, optionally followed by ReLU. */
export interface Conv2dSpec {
  /** [batch, height, width, channels] */
  readonly input: Shape;
  /** Number of filters, that is of output channels. */
  readonly filters: number;
  /** Side of the square kernel. */
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Zeros added on each of the four sides; default 0. */
  readonly padding?: number;
  /** Ends with max(0, ·); `backward*` still take the gradient before it (see {@link Relu.backward}). Default false. */
  readonly relu?: boolean;
  /** Which gradients will be asked for; default both. Leaving out what is not needed saves memory and packing. */
  readonly gradients?: { readonly input: boolean; readonly filter: boolean };
}

export interface Conv2dForward {
  /** [batch, height, width, filters] */
  readonly outputShape: Shape;
  /** [kernel, kernel, channels, filters] */
  readonly filterShape: Shape;
  /**
   * Takes up filters ([kernel, kernel, channels, filters]) and bias ([filters]). Must be called again whenever their
   * values have changed: a backend may keep a packed copy.
   */
  prepare(filter: Tensor, bias: Tensor): Done;
  /** Writes all of `output`. */
  forward(input: Tensor, output: Tensor): Done;
}

export interface Conv2d extends Conv2dForward {
  /** Writes all of `inputGradient`, for the filters last prepared. */
  backwardInput(outputGradient: Tensor, inputGradient: Tensor): Done;
  /** Writes all of `filterGradient` and `biasGradient`, summed over the batch. */
  backwardFilter(input: Tensor, outputGradient: Tensor, filterGradient: Tensor, biasGradient: Tensor): Done;
}

/** maxPool2d: the largest value of each window, without padding. */
export interface MaxPool2dSpec {
  /** [batch, height, width, channels] */
  readonly input: Shape;
  /** Side of the square window. */
  readonly size: number;
  /** Default: `size`. */
  readonly stride?: number;
}

export interface MaxPool2dForward {
  readonly outputShape: Shape;
  /** Writes all of `output`. NaN wins over every number, as in PyTorch. */
  forward(input: Tensor, output: Tensor): Done;
}

export interface MaxPool2d extends MaxPool2dForward {
  /**
   * Writes all of `inputGradient`: each output's gradient goes to the first position in its window (row by row) that
   * equals the maximum, as in PyTorch; NaN equals nothing, so that its gradient is lost. `input` and `output` are those of the
   * forward pass.
   */
  backward(input: Tensor, output: Tensor, outputGradient: Tensor, inputGradient: Tensor): Done;
}

export interface ReluSpec {
  readonly shape: Shape;
}

export interface ReluForward {
  /** max(0, input); `output` may be `input`. */
  forward(input: Tensor, output: Tensor): Done;
}

export interface Relu extends ReluForward {
  /** The gradient where the forward pass's output is above 0, else 0; `inputGradient` may be `outputGradient`. */
  backward(output: Tensor, outputGradient: Tensor, inputGradient: Tensor): Done;
}

/** Names one draw of random numbers, so that it depends neither on threads nor on order; see random.ts. */
export interface RandomKey {
  /** Whole number from 0 to 2^53 − 1. */
  seed: number;
  /** What the numbers are for, such as the index of a dropout layer: 0 to 2^32 − 1. */
  stream: number;
  /** Training step: 0 to 2^32 − 1. */
  step: number;
  /** Position in the whole batch of the first picture at hand: 0 to 2^32 − 1. */
  picture: number;
}

/** Inverted dropout: sets a value to 0 with probability `rate`, multiplies the others by 1 / (1 − rate). */
export interface DropoutSpec {
  /** [batch, …] */
  readonly shape: Shape;
  /** 0 ≤ rate < 1, realised in steps of 1/65536. */
  readonly rate: number;
}

export interface Dropout {
  /** Shape of the mask: [batch, words], a bit a value in uint32 words, each picture starting a new word. */
  readonly maskShape: Shape;
  /**
   * Draws the mask (see `dropoutKeeps` in random.ts for which values stay) and applies it. `output` may be `input`.
   * Picture n of the tensors is picture `key.picture + n` of the batch.
   */
  forward(input: Tensor, output: Tensor, mask: Tensor<"uint32">, key: RandomKey): Done;
  /** Applies the same mask to a gradient; `inputGradient` may be `outputGradient`. */
  backward(outputGradient: Tensor, mask: Tensor<"uint32">, inputGradient: Tensor): Done;
}

/** linear: input · weight + bias. */
export interface LinearSpec {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Which gradients will be asked for; default both. */
  readonly gradients?: { readonly input: boolean; readonly weight: boolean };
}

/** Tensors may have any shape of the right size whose first dimension is the batch, so that flattening is free. */
export interface LinearForward {
  /** Takes up weights ([inputs, outputs]) and bias ([outputs]); again whenever their values have changed. */
  prepare(weight: Tensor, bias: Tensor): Done;
  forward(input: Tensor, output: Tensor): Done;
}

export interface Linear extends LinearForward {
  /** Writes all of `inputGradient`, for the weights last prepared. */
  backwardInput(outputGradient: Tensor, inputGradient: Tensor): Done;
  /** Writes all of `weightGradient` and `biasGradient`, summed over the batch. */
  backwardWeight(input: Tensor, outputGradient: Tensor, weightGradient: Tensor, biasGradient: Tensor): Done;
}

/** Softmax and cross-entropy in one, stable for logits of any size. */
export interface SoftmaxCrossEntropySpec {
  readonly batch: number;
  readonly classes: number;
  /** 0 ≤ smoothing < 1, as in PyTorch: the target is (1 − s) · one-hot + s / classes. Default 0. */
  readonly labelSmoothing?: number;
}

export interface SoftmaxCrossEntropy {
  /**
   * Writes `probabilities` ([batch, classes]) and `losses` ([batch]). A label of −1 marks an absent picture: its loss
   * and its gradient are 0. As in PyTorch, a logit of −Infinity costs nothing where its target is 0, else Infinity; NaN,
   * Infinity or nothing but −Infinity among a picture's logits makes its loss and probabilities NaN.
   */
  forward(logits: Tensor, labels: Tensor<"int32">, probabilities: Tensor, losses: Tensor): Done;
  /** (probabilities − target) · scale; `scale` is 1 / pictures in the batch for a mean loss. */
  backward(probabilities: Tensor, labels: Tensor<"int32">, scale: number, logitsGradient: Tensor): Done;
}

/** Softmax alone, for predictions. */
export interface SoftmaxSpec {
  readonly batch: number;
  readonly classes: number;
}

export interface Softmax {
  /** `probabilities` may be `logits`. */
  forward(logits: Tensor, probabilities: Tensor): Done;
}

/** Sum of equally shaped tensors in a fixed tree, so that the result does not depend on who computed them. */
export interface SumSpec {
  readonly shape: Shape;
  /** How many tensors are added: at least 1. */
  readonly count: number;
}

export interface Sum {
  /** Neighbours are added pairwise, then their sums, and so on; an odd one at the end goes up a level as it is. */
  forward(inputs: readonly Tensor[], output: Tensor): Done;
}

export interface SgdSpec {
  readonly shape: Shape;
  /** Default 0. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
}

/** What changes from step to step, for {@link Sgd} and {@link Muon}. */
export interface SgdStep {
  learningRate: number;
  /** Draws parameters to 0; SGD adds weightDecay · parameter to the gradient, as in PyTorch. */
  weightDecay: number;
  /** Multiplies the gradient first (for clipping); 1 leaves it as it is. */
  gradientScale: number;
}

/** PyTorch's SGD: g ← scale·g + decay·p;  v ← momentum·v + g;  p ← p − rate·(nesterov ? g + momentum·v : v). */
export interface Sgd {
  /** Changes `parameter` and `velocity` in place. `velocity` starts as zeros. */
  step(parameter: Tensor, gradient: Tensor, velocity: Tensor, step: SgdStep): Done;
}

/** Muon's update for a matrix: a filter [kernel, kernel, channels, filters] is one of kernel² · channels rows. */
export interface MuonSpec {
  /** At least two dimensions; all but the last are the rows. */
  readonly shape: Shape;
  /** 0 ≤ momentum < 1, as Nesterov's; default 0. */
  readonly momentum?: number;
}

/**
 * Momentum made orthogonal by Newton and Schulz's iteration (Jordan et al.: "Muon: an optimizer for hidden layers in neural
 * networks", 2024): v ← momentum·v + scale·g;  u = scale·g + momentum·v;  p ← p − rate·decay·p − rate·stretch·orthogonal(u),
 * with stretch = √max(1, filters / rows).
 */
export interface Muon {
  /** Changes `parameter` and `velocity` in place. `velocity` starts as zeros. */
  step(parameter: Tensor, gradient: Tensor, velocity: Tensor, step: SgdStep): Done;
}

/**
 * Where tensors live and how they are computed with, as far as classifying goes. An operation is made for its shapes once
 * and called many times; calls allocate nothing. Specs are checked when an operation is made; calls trust that the tensors
 * fit.
 */
export interface InferenceBackend {
  readonly name: BackendName;
  /** One line that says what really runs, such as `wasm (SIMD, 256-bit re-vectorised)`. */
  readonly description: string;
  /** Pictures that a training shard should hold, so that results do not depend on the number of threads. */
  readonly shardSize: number;
  /** A tensor of zeros in this backend's memory. */
  tensor<D extends DType = "float32">(shape: Shape, dtype?: D): Tensor<D>;
  /** Copies `values` into a tensor. */
  write(target: Tensor, values: Float32Array): Done;
  write(target: Tensor<"int32">, values: Int32Array): Done;
  write(target: Tensor<"uint32">, values: Uint32Array): Done;
  /** A copy of a tensor's values. */
  read(source: Tensor): Promise<Float32Array>;

  conv2d(spec: Conv2dSpec): Conv2dForward;
  maxPool2d(spec: MaxPool2dSpec): MaxPool2dForward;
  relu(spec: ReluSpec): ReluForward;
  linear(spec: LinearSpec): LinearForward;
  softmax(spec: SoftmaxSpec): Softmax;

  /** Gives the memory back. Its tensors and operations must not be used afterwards. */
  close(): void;
}

/** Everything: gradients too, and what else training needs. */
export interface Backend extends InferenceBackend {
  conv2d(spec: Conv2dSpec): Conv2d;
  maxPool2d(spec: MaxPool2dSpec): MaxPool2d;
  relu(spec: ReluSpec): Relu;
  linear(spec: LinearSpec): Linear;
  dropout(spec: DropoutSpec): Dropout;
  softmaxCrossEntropy(spec: SoftmaxCrossEntropySpec): SoftmaxCrossEntropy;
  sum(spec: SumSpec): Sum;
  sgd(spec: SgdSpec): Sgd;
  muon(spec: MuonSpec): Muon;
}
