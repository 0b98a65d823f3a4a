import type { Linear, LinearSpec } from "../backend.js";
import { linearSizes } from "../specs.js";
import type { KernelContext } from "./context.js";
import { directConv2d } from "./direct-conv2d.js";

/**
 * linear in emitted WebAssembly: a matrix product is the 1×1 convolution of a picture whose one row holds the batch, so that
 * every weight that is loaded serves four pictures.
 */
export function linear(context: KernelContext, spec: LinearSpec): Linear {
  const { batch, inputs, outputs, gradients } = linearSizes(spec);
  const product = directConv2d(context, {
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
  });
  return {
    prepare: product.prepare,
    forward: product.forward,
    backwardInput: product.backwardInput,
    backwardWeight: product.backwardFilter,
  };
}
