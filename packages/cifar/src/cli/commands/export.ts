import { resolve } from "node:path";
import { encodeSafetensors, type LoadedModel, toOnnx, toPyTorch } from "@cifar/cnn";
import { type Command, Option } from "commander";
import { writeRunFile } from "../../training/run-folder.js";
import { openModel } from "../model.js";
import { withModelOption, withOutputOptions } from "../options.js";
import { Output, type OutputOptions } from "../output.js";

/** Foreign formats by name: what each is, how its files end, and how they are made. */
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
} as const;

interface ExportFlags extends OutputOptions {
  readonly model?: string;
  readonly format: keyof typeof FORMATS;
  readonly out: string;
}

export function addExportCommand(program: Command): void {
  const formats = Object.entries(FORMATS).map(([name, { what }]) => `${name}: ${what}`);
  const command = program.command("export").description("write a model for other programs");
  withModelOption(command)
    .addOption(
      new Option("-f, --format <name>", formats.join("; ")).choices(Object.keys(FORMATS)).default("safetensors"),
    )
    .requiredOption("-o, --out <file>", "file to write");
  withOutputOptions(command);
  command.action(async (flags: ExportFlags) => {
    const output = new Output(flags);
    const bytes = FORMATS[flags.format].encode(await openModel(flags.model));
    await writeRunFile(flags.out, bytes);
    output.result(
      { file: resolve(flags.out), format: flags.format, bytes: bytes.length },
      `${flags.out}: ${bytes.length} bytes, ${FORMATS[flags.format].what}`,
    );
  });
}
