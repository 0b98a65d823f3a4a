import type { Conv2dSpec, Done, InferenceBackend, LinearSpec, MaxPool2dSpec, Tensor } from "@cifar/tensor";
import type { Conv2dLayer, LinearLayer, MaxPool2dLayer } from "./layers.js";
import type { PlacedLayer } from "./place.js";
import type { Shard } from "./shard.js";
import type { Step } from "./steps.js";

/** Where values are while a shard is worked on. */
export interface Slot {
  readonly values: (shard: Shard) => Tensor;
}

/** A layer's surroundings in a program. */
export interface LayerContext<S extends Slot = Slot> extends PlacedLayer {
  /** Pictures in a shard. */
  readonly batch: number;
  readonly from: S;
  readonly to: S;
  /** Position of the layer's weight among the network's parameters; its bias follows. */
  readonly parameter: number;
  /** A convolution: the ReLU after it is part of it. A ReLU: it is part of the convolution before. */
  readonly fused: boolean;
}

/** What a layer does, bound to its tensors. */
export interface LayerOperations {
  readonly prepare?: Step<readonly Tensor[]>;
  readonly forward?: Step<Shard>;
}

/** Makes a layer's operations for its shapes, as inference needs them. */
export function makeOperations(backend: InferenceBackend, context: LayerContext): LayerOperations {
  const { layer, batch, output, fused } = context;
  switch (layer.type) {
    case "conv2d":
      return bind(backend.conv2d(conv2dSpec(context, layer, { input: false, filter: false })), context);
    case "linear":
      return bind(backend.linear(linearSpec(context, layer, { input: false, weight: false })), context);
    case "maxPool2d":
      return bindForward(backend.maxPool2d(maxPool2dSpec(context, layer)), context);
    case "relu":
      return fused ? {} : bindForward(backend.relu({ shape: [batch, ...output] }), context);
    case "dropout":
    case "flatten":
      return {}; // the same values in the same order
  }
}

export function conv2dSpec(
  { batch, input, fused }: LayerContext,
  { filters, kernel, stride, padding }: Conv2dLayer,
  gradients: NonNullable<Conv2dSpec["gradients"]>,
): Conv2dSpec {
  return { input: [batch, ...input], filters, kernel, stride, padding, relu: fused, gradients };
}

export function linearSpec(
  { batch, input }: LayerContext,
  { outputs }: LinearLayer,
  gradients: NonNullable<LinearSpec["gradients"]>,
): LinearSpec {
  return { batch, inputs: input[0]!, outputs, gradients };
}

export function maxPool2dSpec({ batch, input }: LayerContext, { size, stride }: MaxPool2dLayer): MaxPool2dSpec {
  return { input: [batch, ...input], size, stride };
}

interface Forward {
  forward(input: Tensor, output: Tensor): Done;
}

/** An operation with parameters. */
export function bind(
  operation: Forward & { prepare(weight: Tensor, bias: Tensor): Done },
  context: Pick<LayerContext, "from" | "to" | "parameter">,
): Required<LayerOperations> {
  const { parameter } = context;
  return {
    prepare: (parameters) => operation.prepare(parameters[parameter]!, parameters[parameter + 1]!),
    ...bindForward(operation, context),
  };
}

/** An operation without. */
export function bindForward(
  operation: Forward,
  { from, to }: Pick<LayerContext, "from" | "to">,
): { readonly forward: Step<Shard> } {
  return { forward: (shard) => operation.forward(from.values(shard), to.values(shard)) };
}
