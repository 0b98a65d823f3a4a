import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { didYouMean } from "../../did-you-mean.js";
import { CifarError } from "../../errors.js";
import { recipeOf, recipes } from "../../recipes.js";
import { commitOfSources } from "../../training/commit.js";
import { changeRun } from "../../training/resume.js";
import { holdRunFolder } from "../../training/run-claim.js";
import { findRunFolder, openRunFolder } from "../../training/run-folder.js";
import type { RunSettings } from "../../training/settings.js";
import type { ExitCode } from "../exit-codes.js";
import { listenForInterrupt } from "../interrupt.js";
import { loadOrAdvise } from "../load-data.js";
import {
  type ComputeFlags,
  eitherOf,
  fraction,
  positiveNumber,
  wholeNumber,
  withComputeOptions,
  withOutputOptions,
} from "../options.js";
import { Output, type OutputOptions } from "../output.js";
import { type TrainContext, trainInto, trainNew } from "../train-run.js";

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
    .argument("[data]", "the same as --data")
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
      new Option(
        "--resume <run>",
        "go on with a run, given its folder; --data says where its data are now, --epochs how many it is to have where " +
          "its learning rate is constant",
      ).conflicts(["recipe", "batch", "lr", "dropout", "heldOut", "seed", "limit", "out"]),
    );
  withComputeOptions(command);
  withOutputOptions(command);
  command.action(async (bare: string | undefined, flags: TrainFlags) => {
    const data = eitherOf("--data", flags.data, bare);
    if (bare !== undefined) checkNoRecipe(bare);
    const output = new Output(flags);
    const interrupt = listenForInterrupt(output, "stopping after this step, with a checkpoint");
    const told = { ...flags, ...(data !== undefined && { data: wholePath(data) }) };
    const context = { flags: told, output, interrupt };
    try {
      process.exitCode = await (flags.resume === undefined ? train(context) : resume(flags.resume, context));
    } finally {
      interrupt.release();
    }
  });
}

async function train(context: TrainContext<TrainFlags>): Promise<ExitCode> {
  const settings = settingsOf(context.flags);
  const data = await loadOrAdvise(settings.data, context);
  const { status } = await trainNew({ settings, data, folder: context.flags.out }, context);
  return status;
}

async function resume(path: string, context: TrainContext<TrainFlags>): Promise<ExitCode> {
  const folder = await findRunFolder(path);
  return holdRunFolder(folder, async () => {
    const { files, settings, checkpoint, events } = changeRun(await openRunFolder(folder), context.flags);
    const data = await loadOrAdvise(settings.data, context).catch((error: unknown) => {
      if (!(error instanceof CifarError) || error.code !== "NOT_FOUND") throw error;
      throw new CifarError("NOT_FOUND", `${error.message}; --data says where they are now`, { cause: error });
    });
    return trainInto({ files, settings, data, ...(checkpoint && { resume: { checkpoint, events } }) }, context);
  });
}

/** A path is kept whole, so that the run goes on from whatever folder. */
function wholePath(data: string): string {
  return data === "shapes" ? data : resolve(data);
}

function checkRecipe(name: string): void {
  const names = Object.keys(recipes);
  if (names.includes(name)) return;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `there is no recipe ${name}: choose of ${names.join(", ")}${didYouMean(name, names)}`,
  );
}

function checkNoRecipe(data: string): void {
  if (!Object.hasOwn(recipes, data) || existsSync(data)) return;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `${data} is a recipe, and a folder of data or the word shapes was expected: cifar train --recipe ${data}`,
  );
}

function settingsOf(flags: TrainFlags): RunSettings {
  checkRecipe(flags.recipe);
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
    ...(flags.data !== undefined && { data: flags.data }),
    ...(flags.limit !== undefined && { limit: flags.limit }),
  };
}
