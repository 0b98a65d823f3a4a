import { CnnError } from "./errors.js";
import type { SafetensorsTensor } from "./safetensors.js";
import type { Sequential } from "./sequential.js";

/**
 * Takes over an `nn.Sequential`'s state dict: filters OIHW become HWIO, linear weights [out, in] become [in, out], and
 * the first linear layer after a flattened picture has its inputs turned from PyTorch's order (channel, row, column) to
 * ours (row, column, channel). Layers must stand at the same positions, since names such as `3.weight` count them.
 * @param tensors as `decodeSafetensors` gives them, F32 or F16
 * @throws CnnError SHAPE_MISMATCH if names or shapes are not this network's; the network is unchanged then
 */
export function fromPyTorch(tensors: ReadonlyMap<string, SafetensorsTensor>, model: Sequential): Sequential {
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
        `PyTorch state dict: ${name} is [${given.shape.join(", ")}], the network expects [${shape.join(", ")}]`,
      );
    }
    const own = new Float32Array(given.data.length);
    for (let foreign = 0; foreign < own.length; foreign++) own[order(foreign)] = given.data[foreign]!;
    values.set(name, own);
  }
  const unknown = [...tensors.keys()].find((name) => !model.parameters.has(name));
  if (unknown !== undefined) {
    throw new CnnError("SHAPE_MISMATCH", `PyTorch state dict: the network has no parameter ${unknown}`);
  }
  return model.assign(values);
}

/** The parameters as PyTorch's `nn.Sequential.load_state_dict` takes them: the reverse of {@link fromPyTorch}. */
export function toPyTorch(model: Sequential): Map<string, SafetensorsTensor> {
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, shape, order } of foreignParameters(model)) {
    const own = model.parameters.get(name)!.data;
    const data = new Float32Array(own.length);
    for (let foreign = 0; foreign < data.length; foreign++) data[foreign] = own[order(foreign)]!;
    tensors.set(name, { dtype: "F32", shape, data });
  }
  return tensors;
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
  /** Shape of the picture that was flattened, as long as only layers that keep positions have followed. */
  let flattened: readonly number[] | undefined;
  for (const { layer, index, input, parameters } of model.placed) {
    if (layer.type === "flatten") flattened = input.length === 3 ? input : flattened;
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
      const [height, width, channels] = flattened ?? [1, 1, inputs];
      flattened = undefined;
      const order = (foreign: number) => {
        const input = foreign % inputs;
        const position = input % (height! * width!);
        const channel = Math.floor(input / (height! * width!));
        return (position * channels! + channel) * outputs + Math.floor(foreign / inputs);
      };
      found.push({ name: `${index}.weight`, shape: [outputs, inputs], order });
    }
    found.push({ name: `${index}.bias`, shape: parameters.bias, order: (foreign) => foreign });
  }
  return found;
}
