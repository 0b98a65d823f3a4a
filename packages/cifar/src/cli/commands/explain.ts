import { explain, type LoadedModel, printable } from "@cifar/cnn";
import { type Command, Option } from "commander";
import { didYouMean } from "../../did-you-mean.js";
import { CifarError } from "../../errors.js";
import { heatOver } from "../../picture/heat.js";
import { readInput, sideOf } from "../../picture/input.js";
import { enlarge, pngFile, sheet } from "../../report/images.js";
import { percent } from "../../report/report.js";
import { prepareToCompute } from "../backends.js";
import { openModel } from "../model.js";
import { type ModelFlags, withBackendOption, withModelOption, withOutputOptions } from "../options.js";
import { endingOf, writeOut } from "../out-file.js";
import { Output } from "../output.js";

interface ExplainFlags extends ModelFlags {
  readonly out: string;
  readonly class?: string;
  readonly method: "contributions" | "saliency";
}

/** Side of the pictures that are written, in pixels of one of the network's. */
const SCALE = 10;

export function addExplainCommand(program: Command): void {
  const command = program
    .command("explain")
    .description("paint over a picture what the network saw in it: orange speaks for the class, blue against it")
    .argument("<picture>", "PNG or JPEG file; - is standard input");
  withModelOption(command)
    .option(
      "-o, --out <file>",
      "PNG to write, - is standard output: the picture as the network sees it, and the same painted",
      "explained.png",
    )
    .option("-c, --class <name>", "the class to explain; default: the most probable one")
    .addOption(
      new Option(
        "--method <name>",
        "contributions: what each place adds to the class's score, from the last convolution (HiResCAM); " +
          "saliency: gradient times picture, pixel by pixel",
      )
        .choices(["contributions", "saliency"])
        .default("contributions"),
    );
  withBackendOption(command);
  withOutputOptions(command);
  command.action(async (file: string, flags: ExplainFlags) => {
    await explainPicture(file, flags, new Output(flags));
  });
}

async function explainPicture(file: string, flags: ExplainFlags, output: Output): Promise<void> {
  endingOf(flags.out, [".png"]);
  const { model, card } = await openModel(flags.model);
  prepareToCompute(flags);
  const side = sideOf(model);
  const wanted = flags.class === undefined ? undefined : classNamed(flags.class, card);
  const input = await readInput(file, side);
  const explanation = await explain(model, input, {
    normalisation: card.normalisation,
    ...(wanted !== undefined && { label: wanted }),
    ...(flags.backend !== undefined && { backend: flags.backend }),
  });
  const large = enlarge({ width: side, height: side, data: input }, SCALE);
  const painted = heatOver(large, explanation[flags.method], side);
  const written = await writeOut(flags.out, pngFile(sheet([large, painted], { columns: 2, scale: 1 })), output);
  const label = card.classes[explanation.label]!;
  const confidence = probabilityOf(explanation, card.temperature ?? 1);
  output.result(
    { file: written.file, label, confidence, score: explanation.score, method: flags.method },
    printable(`${file}: ${label} ${percent(confidence, 1)}; orange speaks for it, blue against it: ${written.name}`),
  );
}

function classNamed(name: string, { classes }: LoadedModel["card"]): number {
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `the model knows no class ${name}: choose of ${classes.join(", ")}${didYouMean(name, classes)}`,
  );
}

function probabilityOf({ logits, label }: { logits: Float32Array; label: number }, temperature: number): number {
  return 1 / logits.reduce((sum, logit) => sum + Math.exp((logit - logits[label]!) / temperature), 0);
}
