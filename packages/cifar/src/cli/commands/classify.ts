import { type Classification, createPredictor } from "@cifar/cnn";
import type { Command } from "commander";
import { readInput, sideOf } from "../../picture/input.js";
import { percent } from "../../report/report.js";
import { prepareToCompute } from "../backends.js";
import { ExitCode, messageOf } from "../exit-codes.js";
import { columns } from "../format.js";
import { openModel } from "../model.js";
import {
  computeOptions,
  type ModelFlags,
  wholeNumber,
  withComputeOptions,
  withModelOption,
  withOutputOptions,
} from "../options.js";
import { Output } from "../output.js";
import { pictureFiles } from "../picture-files.js";

interface ClassifyFlags extends ModelFlags {
  readonly top?: number;
}

export function addClassifyCommand(program: Command): void {
  const command = program
    .command("classify")
    .description("say what pictures show")
    .argument("<pictures...>", "PNG or JPEG files, or folders of them; - is standard input");
  withModelOption(command).option(
    "-t, --top <n>",
    "how many classes to name; default: 3 for people, all in JSON",
    wholeNumber(1),
  );
  withComputeOptions(command);
  withOutputOptions(command);
  command.action(async (pictures: readonly string[], flags: ClassifyFlags) => {
    process.exitCode = await classify(pictures, flags, new Output(flags));
  });
}

/** Pictures that cannot be read are told one by one and do not keep the others from being classified. */
async function classify(paths: readonly string[], flags: ClassifyFlags, output: Output): Promise<ExitCode> {
  const { model, card } = await openModel(flags.model);
  prepareToCompute(flags);
  const side = sideOf(model);
  const predictor = await createPredictor(model, {
    ...computeOptions(flags),
    normalisation: card.normalisation,
    classes: card.classes,
    ...(card.temperature !== undefined && { temperature: card.temperature }),
    onNotice: (line) => output.noticeOnce(line),
  });
  const answers: ({ readonly file: string } & Classification)[] = [];
  let unread = 0;
  const orTell = async <T>(reading: Promise<T>): Promise<T | undefined> => {
    try {
      return await reading;
    } catch (error) {
      output.error(messageOf(error));
      unread++;
      return undefined;
    }
  };
  try {
    for (const path of paths) {
      for (const file of (await orTell(pictureFiles(path))) ?? []) {
        const input = await orTell(readInput(file, side));
        if (input === undefined) continue;
        const [answer] = await predictor.classify(input, flags.top === undefined ? {} : { top: flags.top });
        if (answer !== undefined) answers.push({ file, ...answer });
      }
    }
  } finally {
    predictor.close();
  }
  if (output.json || answers.length > 0) output.result(answers, describe(answers, flags.top ?? 3));
  return unread === 0 ? ExitCode.ok : ExitCode.input;
}

/** One line a picture: the label, then the most probable classes. */
export function describe(answers: readonly ({ readonly file: string } & Classification)[], top: number): string {
  return columns(
    answers.map(({ file, label, classes }) => [
      file,
      label,
      classes
        .slice(0, top)
        .map((each) => `${each.label} ${percent(each.probability, 1)}`)
        .join(", "),
    ]),
  );
}
