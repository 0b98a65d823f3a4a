import type { Backend, InferenceBackend, Tensor } from "@cifar/tensor";
import type { PlacedLayer } from "./place.js";
import type { Shard } from "./shard.js";
import type { Step } from "./steps.js";

/** Where values are while a shard is worked on. */
export interface Slot {
  readonly values: (shard: Shard) => Tensor;
  /** Gradient of the loss with respect to them, where one is asked for. */
  readonly gradient: Tensor | undefined;
}

/** A layer's surroundings in a program. */
export interface LayerContext extends PlacedLayer {
  readonly backend: InferenceBackend;
  /** Pictures in a shard. */
  readonly batch: number;
  readonly from: Slot;
  readonly to: Slot;
  /** The backend with all its operations, where the network is trained: gradients of the parameters are asked for. */
  readonly training: Backend | undefined;
  /** The gradient of its input is asked for. */
  readonly passesOn: boolean;
  /** Position of the layer's weight among the network's parameters; its bias follows. */
  readonly parameter: number;
  /** A convolution: the ReLU after it is part of it. A ReLU: it is part of the convolution before. */
  readonly fused: boolean;
}

/** What a layer does, bound to its tensors. */
export interface LayerOperations {
  readonly prepare?: Step<readonly Tensor[]>;
  readonly forward?: Step<Shard>;
  /** In the order in which they run. */
  readonly backward?: readonly Step<Shard>[];
  readonly setDropoutScale?: (scale: number) => void;
}

/** Makes a layer's operations for its shapes. */
export function makeOperations(context: LayerContext): LayerOperations {
  switch (context.layer.type) {
    case "conv2d":
      return makeConv2d(context, context.layer);
    case "linear":
      return makeLinear(context, context.layer.outputs);
    case "maxPool2d":
      return makeMaxPool2d(context, context.layer);
    case "relu":
      return makeRelu(context);
    case "dropout":
      // Without training dropout does nothing: its output is its input.
      return context.training === undefined ? {} : makeDropout(context, context.training, context.layer.rate);
    case "flatten":
      return {}; // the same values in the same order
  }
}

function makeConv2d(
  context: LayerContext,
  layer: { filters: number; kernel: number; stride: number; padding: number },
): LayerOperations {
  const { backend, batch, from, to, training, passesOn, parameter, fused } = context;
  const { filters, kernel, stride, padding } = layer;
  const conv = backend.conv2d({
    input: [batch, ...context.input],
    filters,
    kernel,
    stride,
    padding,
    relu: fused,
    gradients: { input: passesOn, filter: training !== undefined },
  });
  const backward: Step<Shard>[] = [];
  if (training !== undefined) {
    backward.push((shard) => {
      const { gradients } = shard.training!;
      return conv.backwardFilter(from.values(shard), to.gradient!, gradients[parameter]!, gradients[parameter + 1]!);
    });
  }
  if (passesOn) backward.push(() => conv.backwardInput(to.gradient!, from.gradient!));
  return {
    prepare: (parameters) => conv.prepare(parameters[parameter]!, parameters[parameter + 1]!),
    forward: (shard) => conv.forward(from.values(shard), to.values(shard)),
    backward,
  };
}

function makeLinear(context: LayerContext, outputs: number): LayerOperations {
  const { backend, batch, from, to, training, passesOn, parameter } = context;
  const linear = backend.linear({
    batch,
    inputs: context.input[0]!,
    outputs,
    gradients: { input: passesOn, weight: training !== undefined },
  });
  const backward: Step<Shard>[] = [];
  if (training !== undefined) {
    backward.push((shard) => {
      const { gradients } = shard.training!;
      return linear.backwardWeight(from.values(shard), to.gradient!, gradients[parameter]!, gradients[parameter + 1]!);
    });
  }
  if (passesOn) backward.push(() => linear.backwardInput(to.gradient!, from.gradient!));
  return {
    prepare: (parameters) => linear.prepare(parameters[parameter]!, parameters[parameter + 1]!),
    forward: (shard) => linear.forward(from.values(shard), to.values(shard)),
    backward,
  };
}

function makeMaxPool2d(context: LayerContext, layer: { size: number; stride: number }): LayerOperations {
  const { backend, batch, from, to, passesOn } = context;
  const pool = backend.maxPool2d({ input: [batch, ...context.input], size: layer.size, stride: layer.stride });
  return {
    forward: (shard) => pool.forward(from.values(shard), to.values(shard)),
    backward: passesOn
      ? [(shard) => pool.backward(from.values(shard), to.values(shard), to.gradient!, from.gradient!)]
      : [],
  };
}

function makeRelu(context: LayerContext): LayerOperations {
  const { backend, batch, from, to, passesOn, fused, output } = context;
  if (fused && !passesOn) return {};
  const relu = backend.relu({ shape: [batch, ...output] });
  const backward: Step<Shard>[] = passesOn
    ? [(shard) => relu.backward(to.values(shard), to.gradient!, from.gradient!)]
    : [];
  return fused ? { backward } : { forward: (shard) => relu.forward(from.values(shard), to.values(shard)), backward };
}

function makeDropout(context: LayerContext, backend: Backend, rate: number): LayerOperations {
  const { batch, from, to, passesOn, index } = context;
  const shape = [batch, ...context.output];
  let dropout = backend.dropout({ shape, rate });
  let scale = 1;
  const mask = backend.tensor(dropout.maskShape, "uint32");
  return {
    forward: (shard) => {
      const { key } = shard.training!;
      key.stream = index;
      return dropout.forward(from.values(shard), to.values(shard), mask, key);
    },
    backward: passesOn ? [() => dropout.backward(to.gradient!, mask, from.gradient!)] : [],
    setDropoutScale: (wanted) => {
      if (wanted === scale) return;
      scale = wanted;
      dropout = backend.dropout({ shape, rate: rate * scale });
    },
  };
}
