import { extname, resolve } from "node:path";
import { encodeSafetensors, type LoadedModel, saveModel, toOnnx, toPyTorch } from "@cifar/cnn";
import { type Command, Option } from "commander";
import { CifarError } from "../../errors.js";
import { writeRunFile } from "../../training/run-folder.js";
import { openModel } from "../model.js";
import { withModelOption, withOutputOptions } from "../options.js";
import { Output, type OutputOptions } from "../output.js";

/** Formats by name: what each is, and how it is made. */
const FORMATS = {
  safetensors: {
    what: "PyTorch state dict (names 0.weight, … as nn.Sequential has them)",
    encode: ({ model, card }: LoadedModel) =>
      encodeSafetensors(toPyTorch(model), { format: "pt", classes: JSON.stringify(card.classes) }),
  },
  onnx: {
    what: "ONNX model: input [batch, 3, 32, 32] normalised, output logits",
    encode: ({ model }: LoadedModel) => toOnnx(model),
  },
  model: {
    what: "model file for --model, with all that it says about itself",
    encode: ({ model, card }: LoadedModel, half: boolean) => saveModel(model, card, { dtype: half ? "F16" : "F32" }),
  },
} as const;

type Format = keyof typeof FORMATS;

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
    .addOption(
      new Option(
        "-f, --format <name>",
        `${formats.join("; ")}; default: what the file's name ends in, .onnx or .safetensors; with --half model`,
      ).choices(Object.keys(FORMATS)),
    )
    .option("--half", "float16 weights in a model file: half the bytes; the accuracy that it tells is that of float32")
    .requiredOption("-o, --out <file>", "file to write");
  withOutputOptions(command);
  command.action(async (flags: ExportFlags) => {
    const output = new Output(flags);
    const { half = false, format = formatFor(flags.out, half) } = flags;
    if (half && format !== "model") {
      throw new CifarError("INVALID_ARGUMENT", `--half is for model files, not for format ${format}`);
    }
    const bytes = FORMATS[format].encode(await openModel(flags.model), half);
    await writeRunFile(flags.out, bytes);
    output.result(
      { file: resolve(flags.out), format, half, bytes: bytes.length },
      `${flags.out}: ${bytes.length} bytes, ${FORMATS[format].what}`,
    );
  });
}

/** The format that a file's name asks for; without an ending PyTorch's, or with `--half` that of model files. */
function formatFor(out: string, half: boolean): Format {
  const ending = extname(out).toLowerCase();
  if (ending === ".onnx") return "onnx";
  if (ending === ".safetensors" || ending === "") return half ? "model" : "safetensors";
  throw new CifarError(
    "INVALID_ARGUMENT",
    `${out}: expected a name that ends in .safetensors or .onnx, found ${ending}; --format writes under any name`,
  );
}
