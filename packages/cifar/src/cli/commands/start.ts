import { createPredictor, type Dataset } from "@cifar/cnn";
import type { Command } from "commander";
import type { DataSplits } from "../../dataset/cifar10.js";
import { shapesSplits } from "../../dataset/shapes.js";
import { networkReasonOf } from "../../errors.js";
import { recipeOf } from "../../recipes.js";
import { shellWord } from "../../shell-word.js";
import { commitOfSources } from "../../training/commit.js";
import type { RunFiles } from "../../training/run-folder.js";
import type { RunSettings } from "../../training/settings.js";
import { defaultBackend } from "../backends.js";
import { ExitCode } from "../exit-codes.js";
import { type Interrupt, listenForInterrupt } from "../interrupt.js";
import { isUnobtainable, loadWithBar } from "../load-data.js";
import { openModel } from "../model.js";
import { type ComputeFlags, computeOptions, wholeNumber, withComputeOptions, withOutputOptions } from "../options.js";
import { Output, type OutputOptions } from "../output.js";
import { trainNew } from "../train-run.js";
import { describe } from "./classify.js";

/** What backend `reference` does in about two minutes: three epochs of so many pictures, and the test. */
const REFERENCE_LIMITS = { limit: 300, testLimit: 300 } as const;

/** Test pictures that are classified at the end, to be seen. */
const HANDFUL = 5;

interface StartFlags extends ComputeFlags, OutputOptions {
  readonly limit?: number;
}

export function addStartCommand(program: Command): void {
  const command = program
    .command("start")
    .description("the main job: train on CIFAR-10 by the recipe paper, test, classify, report");
  command.option("-l, --limit <n>", "only so many training and test pictures, for a first look", wholeNumber(1));
  withComputeOptions(command);
  withOutputOptions(command);
  command.action(async (flags: StartFlags) => {
    const output = new Output(flags);
    const interrupt = listenForInterrupt(output, "stopping after this step, with a checkpoint");
    try {
      process.exitCode = await start(flags, output, interrupt);
    } finally {
      interrupt.release();
    }
  });
}

async function start(flags: StartFlags, output: Output, interrupt: Interrupt): Promise<ExitCode> {
  const { data, name } = await findData(output, interrupt);
  const slow = (flags.backend ?? defaultBackend()) === "reference" && flags.limit === undefined;
  if (slow) {
    output.notice(
      `backend reference is slow: a part only, ${REFERENCE_LIMITS.limit} training and ${REFERENCE_LIMITS.testLimit} ` +
        "test pictures, which takes about two minutes",
    );
  }
  const commit = commitOfSources();
  const settings: RunSettings = {
    recipe: recipeOf("paper"),
    seed: 0,
    ...(commit !== undefined && { commit }),
    ...(name !== undefined && { data: name }),
    ...(slow && REFERENCE_LIMITS),
    ...(flags.limit !== undefined && { limit: flags.limit, testLimit: flags.limit }),
  };
  const { status, files } = await trainNew({ settings, data }, { flags, output, interrupt });
  if (status === ExitCode.ok && !output.json) await classifyHandful(files, data.test, { flags, output });
  return status;
}

/** CIFAR-10 where it is to be had, else the drawn pictures. */
async function findData(
  output: Output,
  interrupt: Interrupt,
): Promise<{ readonly data: DataSplits; readonly name?: string }> {
  try {
    return { data: await loadWithBar(undefined, { output, interrupt, attempts: 2 }) };
  } catch (error) {
    if (!isUnobtainable(error)) throw error;
    output.notice(
      `no CIFAR-10 here and none to be had (${networkReasonOf(error.cause)}): doing the same with the drawn pictures of ` +
        "shapes; for CIFAR-10 run cifar data fetch with a network, or set CIFAR10_DIR to the folder of its binary version",
    );
    return { data: shapesSplits(), name: "shapes" };
  }
}

async function classifyHandful(
  files: RunFiles,
  test: Dataset,
  { flags, output }: { flags: ComputeFlags; output: Output },
): Promise<void> {
  const { model, card } = await openModel(files.model);
  const predictor = await createPredictor(model, {
    ...computeOptions(flags),
    normalisation: card.normalisation,
    classes: card.classes,
    ...(card.temperature !== undefined && { temperature: card.temperature }),
  });
  try {
    const answers = await predictor.classify(test.images.subarray(0, (HANDFUL * test.images.length) / test.count), {
      top: 3,
    });
    const named = answers.map((answer, index) => ({
      file: `test picture ${index} (${test.classes[test.labels[index]!]})`,
      ...answer,
    }));
    output.result(undefined, `\na handful of test pictures:\n${describe(named, 3)}`);
    output.notice(`your own pictures: npx cifar classify --model ${shellWord(files.folder)} picture.png`);
  } finally {
    predictor.close();
  }
}
