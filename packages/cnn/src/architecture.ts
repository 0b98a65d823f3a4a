import { sameShape } from "@cifar/tensor";
import { CnnError } from "./errors.js";
import { allFinite } from "./finite.js";
import { footprint } from "./footprint.js";
import { Fields } from "./json.js";
import type { Architecture, LayerDescription } from "./layers.js";
import { type FileLimits, limitCheck } from "./limits.js";
import { type PlacedLayer, parameterShapes, placeLayers } from "./place.js";
import { listed } from "./printable.js";
import type { SafetensorsTensor } from "./safetensors.js";

const TYPES = ["conv2d", "relu", "dropout", "maxPool2d", "flatten", "linear"] as const;

/**
 * A network's description out of a file's metadata, checked field by field, and what it would take to run it.
 * @throws CnnError INVALID_FILE
 */
export function readArchitecture(where: string, text: string | undefined, limits: FileLimits): Architecture {
  const check = limitCheck(where, limits);
  const fields = Fields.parse(where, text, limits);
  const list = fields.list("layers");
  check("layers", list.length);
  const layers = list.map((value, index) => readLayer(new Fields(`${where}.layers[${index}]`, value)));
  const architecture = { input: fields.numbers("input"), layers };
  const { activations, flops } = footprint(architecture.input, placed(architecture));
  check("activations", activations);
  check("flops", flops);
  return architecture;
}

function readLayer(fields: Fields): LayerDescription {
  const type = fields.word("type", TYPES);
  switch (type) {
    case "conv2d":
      return {
        type,
        filters: fields.number("filters"),
        kernel: fields.number("kernel"),
        stride: fields.number("stride"),
        padding: fields.number("padding"),
      };
    case "maxPool2d":
      return { type, size: fields.number("size"), stride: fields.number("stride") };
    case "dropout":
      return { type, rate: fields.number("rate") };
    case "linear":
      return { type, outputs: fields.number("outputs") };
    case "relu":
    case "flatten":
      return { type };
  }
}

/**
 * The parameters of a network out of a file's tensors, each of the shape that the architecture asks for and finite. Done
 * before anything is allocated for the network, whose size the file's data therefore bounds.
 * @param prefix before each parameter's name in the file
 * @throws CnnError INVALID_FILE
 */
export function readParameters(
  architecture: Architecture,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  prefix: string,
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const [name, shape] of parameterShapes(placed(architecture))) {
    const found = tensors.get(prefix + name);
    if (found === undefined) throw new CnnError("INVALID_FILE", `tensor ${prefix}${name} is missing`);
    if ((found.dtype !== "F32" && found.dtype !== "F16") || !sameShape(found.shape, shape)) {
      throw new CnnError(
        "INVALID_FILE",
        `tensor ${prefix}${name} is ${found.dtype} ${listed(found.shape)}, ` +
          `the network expects F32 or F16 [${shape.join(", ")}]`,
      );
    }
    if (!allFinite(found.data)) {
      throw new CnnError("INVALID_FILE", `tensor ${prefix}${name} holds a value that is not finite`);
    }
    values.set(name, found.data);
  }
  return values;
}

function placed(architecture: Architecture): readonly PlacedLayer[] {
  try {
    return placeLayers(architecture);
  } catch (cause) {
    if (!(cause instanceof CnnError)) throw cause;
    throw new CnnError("INVALID_FILE", `architecture: ${cause.message}`, { cause });
  }
}
