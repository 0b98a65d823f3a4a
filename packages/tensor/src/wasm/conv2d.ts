import type { Conv2d, Conv2dForward, Conv2dSpec } from "../backend.js";
import { type Conv2dSizes, conv2dSizes } from "../specs.js";
import type { KernelContext } from "./context.js";
import { directConv2d, directForward } from "./direct-conv2d.js";
import { winogradConv2d, winogradForward } from "./winograd/conv2d.js";

/**
 * Which algorithm serves a shape. The rule is fixed, never a timing on the spot, so that every machine computes the same
 * bits; what it rests on is measured in docs/decisions/0002-winograd.md.
 */
export function chooseAlgorithm(sizes: Conv2dSizes): "winograd" | "direct" {
  const { kernel, stride, padding, channels, filters, outputHeight, outputWidth } = sizes;
  const fits = kernel === 3 && stride === 1 && padding <= 2 && channels % 8 === 0 && filters % 8 === 0;
  return fits && outputHeight >= 4 && outputWidth >= 4 ? "winograd" : "direct";
}

/** conv2d in emitted WebAssembly, without its gradients. */
export function conv2dForward(context: KernelContext, spec: Conv2dSpec): Conv2dForward {
  const sizes = conv2dSizes(spec);
  return chooseAlgorithm(sizes) === "winograd" ? winogradForward(context, sizes) : directForward(context, sizes);
}

/** conv2d in emitted WebAssembly. */
export function conv2d(context: KernelContext, spec: Conv2dSpec): Conv2d {
  const sizes = conv2dSizes(spec);
  return chooseAlgorithm(sizes) === "winograd" ? winogradConv2d(context, sizes) : directConv2d(context, sizes);
}
