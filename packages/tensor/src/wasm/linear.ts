import type { Linear, LinearForward, LinearSpec } from "../backend.js";
import { type Conv2dSizes, linearSizes } from "../specs.js";
import type { KernelContext } from "./context.js";
import { directConv2d, directForward } from "./direct-conv2d.js";

/** linear in emitted WebAssembly, without its gradients. */
export function linearForward(context: KernelContext, spec: LinearSpec): LinearForward {
  return directForward(context, convolutionOf(spec));
}

/** linear in emitted WebAssembly. */
export function linear(context: KernelContext, spec: LinearSpec): Linear {
  const { prepare, forward, backwardInput, backwardFilter } = directConv2d(context, convolutionOf(spec));
  return { prepare, forward, backwardInput, backwardWeight: backwardFilter };
}

/**
 * A matrix product is the 1×1 convolution of a picture whose one row holds the batch, so that every weight that is loaded
 * serves four pictures.
 */
function convolutionOf(spec: LinearSpec): Conv2dSizes {
  const { batch, inputs, outputs, gradients } = linearSizes(spec);
  return {
    batch: 1,
    height: 1,
    width: batch,
    channels: inputs,
    filters: outputs,
    kernel: 1,
    stride: 1,
    padding: 0,
    outputHeight: 1,
    outputWidth: batch,
    relu: false,
    gradients: { input: gradients.input, filter: gradients.weight },
    inputShape: [1, 1, batch, inputs],
    outputShape: [1, 1, batch, outputs],
    filterShape: [1, 1, inputs, outputs],
  };
}
