import type { Backend, Conv2d, Tensor } from "@cifar/tensor";
import {
  bind,
  bindForward,
  conv2dSpec,
  type LayerContext,
  type LayerOperations,
  linearSpec,
  maxPool2dSpec,
  type Slot,
} from "./operations.js";
import type { Shard } from "./shard.js";
import type { Step } from "./steps.js";

/** Where values are, and the gradient with respect to them. */
export interface GradientSlot extends Slot {
  /** Undefined where none is asked for. */
  readonly gradient: Tensor | undefined;
}

/** The surroundings of a layer through which gradients come back. */
export interface GradientContext extends LayerContext<GradientSlot> {
  /** Gradients of the layer's parameters are asked for. */
  readonly trained: boolean;
  /** The gradient of its input is asked for. */
  readonly passesOn: boolean;
}

/** What a layer does forward and backward, bound to its tensors. */
export interface GradientOperations extends LayerOperations {
  /** In the order in which they run. */
  readonly backward: readonly Step<Shard>[];
  readonly setDropoutScale?: (scale: number) => void;
}

/** Makes a layer's operations with their gradients; dropout is at work. */
export function makeGradientOperations(backend: Backend, context: GradientContext): GradientOperations {
  const { layer, from, to, trained, passesOn } = context;
  switch (layer.type) {
    case "conv2d": {
      const conv = backend.conv2d(conv2dSpec(context, layer, { input: passesOn, filter: trained }));
      const backwardWeight: BackwardWeight = (input, outputGradient, filterGradient, biasGradient) =>
        conv.backwardFilter(input, outputGradient, filterGradient, biasGradient);
      return bindTrainable(conv, backwardWeight, context);
    }
    case "linear": {
      const linear = backend.linear(linearSpec(context, layer, { input: passesOn, weight: trained }));
      const backwardWeight: BackwardWeight = (input, outputGradient, weightGradient, biasGradient) =>
        linear.backwardWeight(input, outputGradient, weightGradient, biasGradient);
      return bindTrainable(linear, backwardWeight, context);
    }
    case "maxPool2d": {
      const pool = backend.maxPool2d(maxPool2dSpec(context, layer));
      const backward: Step<Shard> = (shard) =>
        pool.backward(from.values(shard), to.values(shard), to.gradient!, from.gradient!);
      return { ...bindForward(pool, context), backward: passesOn ? [backward] : [] };
    }
    case "relu":
      return makeRelu(backend, context);
    case "dropout":
      return makeDropout(backend, context, layer.rate);
    case "flatten":
      return { backward: [] };
  }
}

type BackwardWeight = Conv2d["backwardFilter"];

/** An operation with parameters. */
function bindTrainable(
  operation: Pick<Conv2d, "prepare" | "forward" | "backwardInput">,
  backwardWeight: BackwardWeight,
  context: GradientContext,
): GradientOperations {
  const { from, to, trained, passesOn, parameter } = context;
  const backward: Step<Shard>[] = [];
  if (trained) {
    backward.push((shard) => {
      const { gradients } = shard.training!;
      return backwardWeight(from.values(shard), to.gradient!, gradients[parameter]!, gradients[parameter + 1]!);
    });
  }
  if (passesOn) backward.push(() => operation.backwardInput(to.gradient!, from.gradient!));
  return { ...bind(operation, context), backward };
}

function makeRelu(backend: Backend, context: GradientContext): GradientOperations {
  const { batch, from, to, passesOn, fused, output } = context;
  if (fused && !passesOn) return { backward: [] };
  const relu = backend.relu({ shape: [batch, ...output] });
  const backward: Step<Shard>[] = passesOn
    ? [(shard) => relu.backward(to.values(shard), to.gradient!, from.gradient!)]
    : [];
  return fused ? { backward } : { ...bindForward(relu, context), backward };
}

function makeDropout(backend: Backend, context: GradientContext, rate: number): GradientOperations {
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
