import { CnnError } from "./errors.js";
import { checkFinite } from "./finite.js";
import type { PlacedLayer } from "./place.js";
import { listed, named } from "./printable.js";
import type { SafetensorsTensor } from "./safetensors.js";
import type { Sequential } from "./sequential.js";

/**
 * Takes over an `nn.Sequential`'s state dict: filters OIHW become HWIO, linear weights [out, in] become [in, out], and
 * the first linear layer after a flattened picture has its inputs turned from PyTorch's order (channel, row, column) to
 * ours (row, column, channel). Layers must stand at the same positions, since names such as `3.weight` count them.
 * @param tensors as `decodeSafetensors` gives them, F32 or F16
 * @throws CnnError SHAPE_MISMATCH if names or shapes are not this network's, or if no layer has weights that could be turned;
 * NOT_FINITE naming a tensor that holds NaN or Infinity; the network is unchanged then
 */
export function fromPyTorch(tensors: ReadonlyMap<string, SafetensorsTensor>, model: Sequential): Sequential {
  checkTurned(model);
  const values = new Map<string, Float32Array>();
  for (const parameter of foreignParameters(model)) {
    const { name, shape, order } = parameter;
    const given = tensors.get(name);
    if (given === undefined) throw new CnnError("SHAPE_MISMATCH", `PyTorch state dict: ${name} is missing`);
    if (given.dtype !== "F32" && given.dtype !== "F16") {
      throw new CnnError("SHAPE_MISMATCH", `PyTorch state dict: ${name} is ${given.dtype}, expected F32 or F16`);
    }
    if (given.shape.length !== shape.length || given.shape.some((side, axis) => side !== shape[axis])) {
      throw new CnnError(
        "SHAPE_MISMATCH",
        `PyTorch state dict: ${name} is ${listed(given.shape)}, the network expects ${listed(shape)}`,
      );
    }
    checkFinite(`PyTorch state dict: ${name}`, given.data);
    const own = new Float32Array(given.data.length);
    for (let foreign = 0; foreign < own.length; foreign++) own[order(foreign)] = given.data[foreign]!;
    values.set(name, own);
  }
  const unknown = [...tensors.keys()].find((name) => !model.parameters.has(name));
  if (unknown !== undefined) {
    throw new CnnError("SHAPE_MISMATCH", `PyTorch state dict: the network has no parameter ${named(unknown)}`);
  }
  return model.assign(values);
}

/**
 * The parameters as PyTorch's `nn.Sequential.load_state_dict` takes them: the reverse of {@link fromPyTorch}.
 * @throws CnnError SHAPE_MISMATCH if PyTorch would flatten in another order and no layer has weights that could be turned;
 * NOT_FINITE naming a tensor that holds NaN or Infinity
 */
export function toPyTorch(model: Sequential): Map<string, SafetensorsTensor> {
  checkTurned(model);
  return foreignTensors(model);
}

/** {@link toPyTorch} for who turns the pictures himself where no linear layer does. */
export function foreignTensors(model: Sequential): Map<string, SafetensorsTensor> {
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, shape, order } of foreignParameters(model)) {
    const own = model.parameters.get(name)!.data;
    checkFinite(`network: tensor ${name}`, own);
    const data = new Float32Array(own.length);
    for (let foreign = 0; foreign < data.length; foreign++) data[foreign] = own[order(foreign)]!;
    tensors.set(name, { dtype: "F32", shape, data });
  }
  return tensors;
}

/** A layer that flattens pictures, whose values PyTorch and ONNX would have in the order channel, row, column. */
export interface Flattening {
  /** Position of the layer. */
  readonly index: number;
  /** [height, width, channels] */
  readonly picture: readonly [number, number, number];
  /** Position of the linear layer whose inputs these values are, so that its weights can be turned instead of them. */
  readonly linear: number | undefined;
}

/** Where pictures are flattened whose order matters; layers that keep positions may stand between them and a linear one. */
export function flattenings(placed: readonly PlacedLayer[]): Flattening[] {
  return placed.flatMap(({ layer, index, input }) => {
    if (layer.type !== "flatten" || input.length !== 3) return [];
    const [height, width, channels] = input as readonly [number, number, number];
    if (channels === 1 || height * width === 1) return []; // the same in either order
    // What follows a flattened picture is a row of values, which only linear layers take apart.
    const linear = placed.find((next) => next.index > index && next.layer.type === "linear")?.index;
    return [{ index, picture: [height, width, channels] as const, linear }];
  });
}

/** A state dict holds weights alone: without a linear layer nothing in it could turn PyTorch's order into ours. */
function checkTurned(model: Sequential): void {
  const bare = flattenings(model.placed).find(({ linear }) => linear === undefined);
  if (bare === undefined) return;
  throw new CnnError(
    "SHAPE_MISMATCH",
    `PyTorch state dict: layer ${bare.index} flattens ${listed(bare.picture)}, which PyTorch does in another order, and no ` +
      "linear layer follows whose weights could be turned",
  );
}

interface ForeignParameter {
  readonly name: string;
  /** In PyTorch's layout. */
  readonly shape: readonly number[];
  /** Position here of the value at a position there. */
  readonly order: (foreign: number) => number;
}

function foreignParameters(model: Sequential): ForeignParameter[] {
  const found: ForeignParameter[] = [];
  const pictures = new Map(flattenings(model.placed).map(({ linear, picture }) => [linear, picture]));
  for (const { layer, index, parameters } of model.placed) {
    if (parameters === undefined) continue;
    if (layer.type === "conv2d") {
      const [height, width, channels, filters] = parameters.weight as [number, number, number, number];
      const order = (foreign: number) => {
        const x = foreign % width;
        const y = Math.floor(foreign / width) % height;
        const channel = Math.floor(foreign / (width * height)) % channels;
        const filter = Math.floor(foreign / (width * height * channels));
        return ((y * width + x) * channels + channel) * filters + filter;
      };
      found.push({ name: `${index}.weight`, shape: [filters, channels, height, width], order });
    } else {
      const [inputs, outputs] = parameters.weight as [number, number];
      const [height, width, channels] = pictures.get(index) ?? [1, 1, inputs];
      const order = (foreign: number) => {
        const input = foreign % inputs;
        const position = input % (height * width);
        const channel = Math.floor(input / (height * width));
        return (position * channels + channel) * outputs + Math.floor(foreign / inputs);
      };
      found.push({ name: `${index}.weight`, shape: [outputs, inputs], order });
    }
    found.push({ name: `${index}.bias`, shape: parameters.bias, order: (foreign) => foreign });
  }
  return found;
}
