import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { CnnError } from "@cifar/cnn";
import { type Command, Option } from "commander";
import type { DataSplits } from "../../dataset/cifar10.js";
import { loadData } from "../../dataset/source.js";
import { type Recipe, recipeOf, recipes } from "../../recipes.js";
import { shellWord } from "../../shell-word.js";
import { commitOfSources } from "../../training/commit.js";
import { runTraining } from "../../training/run.js";
import { createRunFolder, openRunFolder } from "../../training/run-folder.js";
import type { RunSettings } from "../../training/settings.js";
import { prepareToCompute } from "../backends.js";
import { ExitCode } from "../exit-codes.js";
import { type Interrupt, listenForInterrupt } from "../interrupt.js";
import { describeMeasurement } from "../measurement.js";
import {
  type ComputeFlags,
  computeOptions,
  fraction,
  positiveNumber,
  wholeNumber,
  withComputeOptions,
  withOutputOptions,
} from "../options.js";
import { Output, type OutputOptions } from "../output.js";
import { DownloadBar, TrainingBar } from "../progress.js";

interface TrainFlags extends ComputeFlags, OutputOptions {
  readonly data?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly dropout?: number;
  readonly heldOut?: number;
  readonly seed: number;
  readonly recipe: string;
  readonly limit?: number;
  readonly out?: string;
  readonly resume?: string;
}

export function addTrainCommand(program: Command): void {
  const command = program.command("train").description("train the network and leave a model and a report");
  command
    .option("-d, --data <what>", "folder with CIFAR-10, folder of class subfolders with pictures, or the word shapes")
    .option("-r, --recipe <name>", `how to train: ${Object.keys(recipes).join(", ")}`, "paper")
    .option("-e, --epochs <n>", "instead of the recipe's", wholeNumber(1))
    .option("-b, --batch <n>", "pictures in a step, instead of the recipe's", wholeNumber(1))
    .option("--lr <rate>", "highest learning rate, instead of the recipe's", positiveNumber)
    .option("--dropout <rate>", "of the dropout layers, instead of the recipe's", fraction)
    .option("--held-out <n>", "training pictures kept to validate on, instead of the recipe's", wholeNumber(0))
    .option("-s, --seed <n>", "what all random numbers depend on", wholeNumber(0), 0)
    .option("-l, --limit <n>", "only so many training pictures", wholeNumber(1))
    .option("-o, --out <folder>", "folder for this run; default: runs/ and a name with the time")
    .addOption(
      new Option("--resume <run>", "go on with a run, given its folder").conflicts([
        "data",
        "recipe",
        "epochs",
        "batch",
        "lr",
        "dropout",
        "heldOut",
        "seed",
        "limit",
        "out",
      ]),
    );
  withComputeOptions(command);
  withOutputOptions(command);
  command.action(async (flags: TrainFlags) => {
    const output = new Output(flags);
    const interrupt = listenForInterrupt(output, "stopping after this step, with a checkpoint");
    try {
      process.exitCode = await train(flags, output, interrupt);
    } finally {
      interrupt.release();
    }
  });
}

async function train(flags: TrainFlags, output: Output, interrupt: Interrupt): Promise<ExitCode> {
  const resumed = flags.resume === undefined ? undefined : await openRunFolder(flags.resume);
  const settings = resumed?.settings ?? settingsOf(flags);
  const data = await loadForRun(settings, { output, interrupt });
  prepareToCompute(flags);
  const files =
    resumed?.files ?? (await createRunFolder(flags.out ?? newRunFolder(settings.recipe, settings.seed), settings));
  const { checkpoint, events = [] } = resumed ?? {};
  return trainInto(
    { files, settings, data, ...(checkpoint !== undefined && { resume: { checkpoint, events } }) },
    { flags, output, interrupt },
  );
}

function settingsOf(flags: TrainFlags): RunSettings {
  const recipe = recipeOf(flags.recipe, {
    ...(flags.epochs !== undefined && { epochs: flags.epochs }),
    ...(flags.batch !== undefined && { batchSize: flags.batch }),
    ...(flags.lr !== undefined && { learningRate: flags.lr }),
    ...(flags.dropout !== undefined && { dropout: flags.dropout }),
    ...(flags.heldOut !== undefined && { heldOut: flags.heldOut }),
  });
  const commit = commitOfSources();
  return {
    recipe,
    seed: flags.seed,
    ...(commit !== undefined && { commit }),
    // A path is kept whole, so that the run goes on from whatever folder.
    ...(flags.data !== undefined && { data: flags.data === "shapes" ? flags.data : resolve(flags.data) }),
    ...(flags.limit !== undefined && { limit: flags.limit }),
  };
}

/** The data of a run, fetched with a bar where they have to be. */
export async function loadForRun(
  settings: Pick<RunSettings, "data">,
  { output, interrupt, ...connection }: { output: Output; interrupt: Interrupt; attempts?: number },
): Promise<DataSplits> {
  const bar = new DownloadBar(output);
  try {
    return await loadData(settings.data, {
      download: { ...connection, onProgress: bar.update, signal: interrupt.signal },
      onNotice: (line) => output.noticeOnce(line),
    });
  } finally {
    bar.stop();
  }
}

/** Trains with a bar and tells what came of it. */
export async function trainInto(
  run: Pick<Parameters<typeof runTraining>[0], "files" | "settings" | "data" | "resume">,
  { flags, output, interrupt }: { flags: ComputeFlags; output: Output; interrupt: Interrupt },
): Promise<ExitCode> {
  const bar = new TrainingBar(output);
  try {
    const { stopped, measurement } = await runTraining({
      ...run,
      ...computeOptions(flags),
      signal: interrupt.signal,
      onEvent: (event) => {
        bar.show(event);
        output.event(event);
      },
      onNotice: (line) => output.noticeOnce(line),
    });
    if (stopped) {
      output.notice(`stopped; go on with: cifar train --resume ${shellWord(run.files.folder)}`);
      if (interrupt.failure !== undefined) throw interrupt.failure;
      return ExitCode.interrupted;
    }
    if (!output.json && measurement !== undefined) {
      const { model, report } = run.files;
      output.result(undefined, `${describeMeasurement(measurement)}\nmodel   ${model}\nreport  ${report}`);
    }
    return ExitCode.ok;
  } catch (error) {
    if (error instanceof CnnError && error.code === "NOT_FINITE" && existsSync(run.files.checkpoint)) {
      output.notice(`the last good checkpoint is kept: ${run.files.checkpoint}`);
    }
    throw error;
  } finally {
    bar.close();
  }
}

/** `runs/paper-seed0-20260131-235959`: sorts by time within a recipe. */
export function newRunFolder(recipe: Recipe, seed: number, now = new Date()): string {
  const time = now
    .toISOString()
    .replace(/[-:]|\..*/g, "")
    .replace("T", "-");
  return join("runs", `${recipe.name}-seed${seed}-${time}`);
}
