import { type Shape, sizeOf } from "@cifar/tensor";
import { planBuffers } from "./buffers.js";
import type { PlacedLayer } from "./place.js";

/** What it takes to run a network on one picture. */
export interface Footprint {
  /**
   * Values that are kept at the same time: the picture, what layers make of it where they do not work in place, and the
   * largest that a convolution pads its input to.
   */
  readonly activations: number;
  /** Floating-point operations of the forward pass: two a multiply-add. */
  readonly flops: number;
}

/** Counts, and allocates nothing: it is asked about networks from strangers' files. */
export function footprint(input: Shape, placed: readonly PlacedLayer[]): Footprint {
  let activations = 0;
  for (const shape of planBuffers(placed, input, false).shapes) activations += sizeOf(shape);
  let flops = 0;
  let padded = 0;
  for (const layer of placed) {
    flops += layer.flops;
    padded = Math.max(padded, paddedSize(layer));
  }
  return { activations: activations + padded, flops };
}

/** Values of the plane that a convolution lays its padded picture on. */
function paddedSize({ layer, input }: PlacedLayer): number {
  if (layer.type !== "conv2d" || layer.padding === 0) return 0;
  const [height, width, channels] = input as readonly [number, number, number];
  return (height + 2 * layer.padding) * (width + 2 * layer.padding) * channels;
}
