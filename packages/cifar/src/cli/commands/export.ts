import { readFile, stat } from "node:fs/promises";
import {
  decodeSafetensors,
  encodeSafetensors,
  fromPyTorch,
  type LoadedModel,
  loadModel,
  Sequential,
  saveModel,
  toOnnx,
  toPyTorch,
  weightsDigest,
} from "@cifar/cnn";
import { type Command, Option } from "commander";
import { CifarError } from "../../errors.js";
import { openModel } from "../model.js";
import { eitherOf, withModelOption, withOutputOptions } from "../options.js";
import { endingOf, writeOut } from "../out-file.js";
import { Output, type OutputOptions } from "../output.js";

type Format = "safetensors" | "onnx" | "model";

/** How a model is written for others. */
interface Writer {
  /** For the help. */
  readonly what: string;
  /** For the result, with what is this model's own. */
  describe(model: Sequential): string;
  encode(loaded: LoadedModel, half: boolean): Uint8Array;
  /** Throws if the bytes, read again, are not the model; absent where nothing here reads the format. */
  check?(bytes: Uint8Array, loaded: LoadedModel, half: boolean): void;
}

const FORMATS: Readonly<Record<Format, Writer>> = {
  safetensors: {
    what: "PyTorch state dict (names 0.weight, … as nn.Sequential has them)",
    describe: ({ parameters, input: [height, width, channels] }) =>
      `PyTorch state dict for nn.Sequential: ${parameters.size} tensors, pictures [batch, ${channels}, ${height}, ${width}]`,
    encode: ({ model, card }) =>
      encodeSafetensors(toPyTorch(model), { format: "pt", classes: JSON.stringify(card.classes) }),
    check: (bytes, { model }) => {
      const read = fromPyTorch(decodeSafetensors(bytes).tensors, new Sequential(model.architecture()));
      expectWeights(weightsDigest(read), weightsDigest(model));
    },
  },
  onnx: {
    what: "ONNX model: input [batch, channels, height, width] normalised, output logits [batch, classes]",
    describe: ({ input: [height, width, channels], outputShape }) =>
      `ONNX model: input [batch, ${channels}, ${height}, ${width}] normalised, output logits [batch, ${outputShape}]`,
    encode: ({ model }) => toOnnx(model),
  },
  model: {
    what: "model file for --model, with all that it says about itself",
    describe: ({ input, parameterCount }) =>
      `model file for --model: pictures [${input.join(", ")}], ${parameterCount} parameters`,
    encode: ({ model, card }, half) => saveModel(model, card, { dtype: half ? "F16" : "F32" }),
    check: (bytes, { model }, half) => {
      const { digest } = loadModel(bytes);
      // Half the bits are other weights; that they are those that were written the file's own digest says.
      if (!half) expectWeights(digest, weightsDigest(model));
    },
  },
};

function expectWeights(found: string, expected: string): void {
  if (found !== expected)
    throw new CifarError("INVALID_DATA", `export: expected weights with digest ${expected}, found ${found}`);
}

interface ExportFlags extends OutputOptions {
  readonly model?: string;
  readonly format?: Format;
  readonly half?: boolean;
  readonly out: string;
}

export function addExportCommand(program: Command): void {
  const formats = Object.entries(FORMATS).map(([name, { what }]) => `${name}: ${what}`);
  const command = program.command("export").description("write a model for other programs");
  withModelOption(command)
    .argument("[model]", "the same as --model")
    .addOption(
      new Option(
        "-f, --format <name>",
        `${formats.join("; ")}; default: what the file's name ends in, .onnx or .safetensors; with --half model`,
      ).choices(Object.keys(FORMATS)),
    )
    .option("--half", "float16 weights in a model file: half the bytes; the accuracy that it tells is that of float32")
    .requiredOption("-o, --out <file>", "file to write; - is standard output");
  withOutputOptions(command);
  command.action(async (bare: string | undefined, flags: ExportFlags) => {
    const model = eitherOf("--model", flags.model, bare);
    const output = new Output(flags);
    const { half = false, format = formatFor(flags.out, half) } = flags;
    if (half && format !== "model") {
      throw new CifarError("INVALID_ARGUMENT", `--half is for model files, not for format ${format}`);
    }
    const writer = FORMATS[format];
    const loaded = await openModel(model);
    const bytes = writer.encode(loaded, half);
    writer.check?.(bytes, loaded, half);
    const { file, name } = await writeOut(flags.out, bytes, output);
    if (file !== "-") await checkFile(file, bytes);
    output.result(
      { file, format, half, bytes: bytes.length, input: loaded.model.input, outputs: loaded.model.outputShape },
      `${name}: ${bytes.length} bytes, ${writer.describe(loaded.model)}`,
    );
  });
}

/** A model may be handed on and its run deleted: what is on the disk is read once more. A pipe cannot be. */
async function checkFile(path: string, bytes: Uint8Array): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return;
  if ((await readFile(path)).equals(bytes)) return;
  throw new CifarError("CANNOT_WRITE", `cannot write to ${path}: what is read from it is not what was written`);
}

/** The format that a file's name asks for; without an ending PyTorch's, or with `--half` that of model files. */
function formatFor(out: string, half: boolean): Format {
  const ending = endingOf(out, [".safetensors", ".onnx"], "; --format writes under any name");
  if (ending === ".onnx") return "onnx";
  return half ? "model" : "safetensors";
}
