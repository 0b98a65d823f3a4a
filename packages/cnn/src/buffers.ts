import type { Shape } from "@cifar/tensor";
import type { PlacedLayer } from "./place.js";

/** Which layers' outputs lie in the same memory. */
export interface BufferPlan {
  /** Shape of each buffer, of one picture. Buffer 0 is the network's input, the last one its result. */
  readonly shapes: readonly Shape[];
  /** Buffer of each layer's output. */
  readonly outputs: readonly number[];
}

/**
 * Lets layers work in place where nobody needs what was there before: flatten always, ReLU and dropout unless they come
 * after a max-pooling, whose gradient looks for the maximum in its output, or at the network's input, which is not ours.
 *
 * ReLU's gradient asks where its output is above 0. Dropout may change that output in place all the same: where it puts a
 * 0, the gradient that comes back through it is 0 already, elsewhere it keeps the sign.
 */
export function planBuffers(placed: readonly PlacedLayer[], input: Shape, training: boolean): BufferPlan {
  const shapes: Shape[] = [input];
  const outputs: number[] = [];
  let replaceable = false;
  for (const { layer, output } of placed) {
    const free = layer.type === "flatten" || (layer.type === "dropout" && !training);
    const inPlace = (layer.type === "relu" || layer.type === "dropout") && replaceable;
    if (!free && !inPlace) {
      shapes.push(output);
      replaceable = layer.type !== "maxPool2d" || !training;
    }
    outputs.push(shapes.length - 1);
  }
  return { shapes, outputs };
}

/** True for a ReLU that is done by the convolution before it. */
export function isFused(placed: readonly PlacedLayer[], position: number): boolean {
  return placed[position]?.layer.type === "relu" && placed[position - 1]?.layer.type === "conv2d";
}
