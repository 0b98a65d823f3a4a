import { MAX_VALUES, type Shape, sizeOf } from "@cifar/tensor";
import { CnnError } from "./errors.js";
import type { Architecture, LayerDescription } from "./layers.js";
import { listed, quoted, shown } from "./printable.js";

/** Dimensions of what a network may take: a row of values, a picture, or what a program of its own makes of one. */
const MOST_DIMENSIONS = 8;

/** What a layer makes of one picture. */
interface LayerShape {
  /** Without the batch dimension. */
  readonly output: Shape;
  /** Shapes of its trainable parameters; filters are HWIO, linear weights [in, out]. */
  readonly parameters: { readonly weight: Shape; readonly bias: Shape } | undefined;
  /** Floating-point operations of its forward pass for one picture: two a multiply-add. */
  readonly flops: number;
}

/** A layer with its place in a network. */
export interface PlacedLayer extends LayerShape {
  readonly layer: LayerDescription;
  /** Position from 0: parameters are named after it, as in PyTorch's `nn.Sequential`. */
  readonly index: number;
  /** Shape of one picture at its door. */
  readonly input: Shape;
}

/**
 * Follows a picture through the layers. Allocates nothing, so it may be asked about a network from a stranger's file.
 * @throws CnnError INVALID_ARGUMENT, SHAPE_MISMATCH naming the layer that does not fit
 */
export function placeLayers({ input, layers }: Architecture): readonly PlacedLayer[] {
  const good =
    input.length >= 1 &&
    input.length <= MOST_DIMENSIONS &&
    input.every((side) => Number.isSafeInteger(side) && side >= 1 && side <= MAX_VALUES);
  if (!good) throw new CnnError("INVALID_ARGUMENT", `network: input ${listed(input)} is no shape of a picture`);
  let shape: Shape = sized("network: input", [...input]);
  return layers.map((layer, index) => {
    const placed = { ...shapeOfLayer(layer, shape, index), layer: { ...layer }, index, input: shape };
    shape = placed.output;
    return placed;
  });
}

/** Shape of every parameter by name, in the order of the layers. */
export function parameterShapes(placed: readonly PlacedLayer[]): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const { index, parameters } of placed) {
    if (parameters === undefined) continue;
    shapes.set(`${index}.weight`, parameters.weight);
    shapes.set(`${index}.bias`, parameters.bias);
  }
  return shapes;
}

/**
 * Checks a layer against its input and says what it makes of it.
 * @param input shape of one picture at its door, without the batch dimension
 * @param index position in the network, for the message
 * @throws CnnError INVALID_ARGUMENT, SHAPE_MISMATCH
 */
function shapeOfLayer(layer: LayerDescription, input: Shape, index: number): LayerShape {
  const where = `layer ${index} (${shown(layer?.type)})`;
  switch (layer?.type) {
    case "conv2d": {
      const [height, width, channels] = picture(where, input);
      const { filters, kernel, stride, padding } = layer;
      whole(where, "filters", filters, 1);
      whole(where, "kernel", kernel, 1);
      whole(where, "stride", stride, 1);
      whole(where, "padding", padding, 0);
      const output = [
        windows(where, { side: height, kernel, stride, padding }),
        windows(where, { side: width, kernel, stride, padding }),
        filters,
      ];
      const weight = [kernel, kernel, channels, filters];
      const flops = 2 * sizeOf(weight) * output[0]! * output[1]! + sizeOf(output);
      return { output: sized(where, output), parameters: { weight: sized(where, weight), bias: [filters] }, flops };
    }
    case "maxPool2d": {
      const [height, width, channels] = picture(where, input);
      const { size, stride } = layer;
      whole(where, "size", size, 1);
      whole(where, "stride", stride, 1);
      const output = [
        windows(where, { side: height, kernel: size, stride, padding: 0 }),
        windows(where, { side: width, kernel: size, stride, padding: 0 }),
        channels,
      ];
      return { output, parameters: undefined, flops: sizeOf(output) * (size * size - 1) };
    }
    case "relu":
      return { output: input, parameters: undefined, flops: sizeOf(input) };
    case "dropout":
      if (!(layer.rate >= 0 && layer.rate < 1)) {
        throw new CnnError(
          "INVALID_ARGUMENT",
          `${where}: rate must be at least 0 and below 1, not ${shown(layer.rate)}`,
        );
      }
      return { output: input, parameters: undefined, flops: 0 };
    case "flatten":
      return { output: [sizeOf(input)], parameters: undefined, flops: 0 };
    case "linear": {
      whole(where, "outputs", layer.outputs, 1);
      if (input.length !== 1) {
        throw new CnnError("SHAPE_MISMATCH", `${where}: expects a row of values, put flatten() before it`);
      }
      const weight = [input[0]!, layer.outputs];
      const flops = 2 * sizeOf(weight) + layer.outputs;
      return { output: [layer.outputs], parameters: { weight: sized(where, weight), bias: [layer.outputs] }, flops };
    }
    default:
      throw unknownLayer(layer, index);
  }
}

/** Programs in JavaScript name layers that there are not. */
function unknownLayer(layer: never, index: number): CnnError {
  const { type } = Object(layer) as { readonly type?: unknown };
  return new CnnError(
    "INVALID_ARGUMENT",
    `network: layer ${index} must be a conv2d, relu, dropout, maxPool2d, flatten or linear, not ${quoted(String(type))}`,
  );
}

function picture(where: string, input: Shape): readonly [number, number, number] {
  const [height, width, channels] = input;
  if (input.length !== 3 || height === undefined || width === undefined || channels === undefined) {
    throw new CnnError("SHAPE_MISMATCH", `${where}: expects [height, width, channels], not ${listed(input)}`);
  }
  return [height, width, channels];
}

function whole(where: string, what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new CnnError(
    "INVALID_ARGUMENT",
    `${where}: ${what} must be a whole number of at least ${least}, not ${shown(value)}`,
  );
}

function windows(where: string, window: { side: number; kernel: number; stride: number; padding: number }): number {
  const output = Math.floor((window.side + 2 * window.padding - window.kernel) / window.stride) + 1;
  if (output >= 1) return output;
  throw new CnnError(
    "SHAPE_MISMATCH",
    `${where}: a window of ${window.kernel} does not fit into ${window.side} values padded by ${window.padding}`,
  );
}

function sized(where: string, shape: Shape): Shape {
  if (sizeOf(shape) <= MAX_VALUES) return shape;
  throw new CnnError("INVALID_ARGUMENT", `${where}: ${listed(shape)} is more than ${MAX_VALUES} values`);
}
