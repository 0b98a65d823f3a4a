import { existsSync } from "node:fs";
import { type Dataset, printable, subset } from "@cifar/cnn";
import type { Command } from "commander";
import { CifarError } from "../../errors.js";
import { measure } from "../../training/measure.js";
import { prepareToCompute } from "../backends.js";
import { listenForInterrupt } from "../interrupt.js";
import { loadOrAdvise } from "../load-data.js";
import { describeMeasurement, measurementRecord } from "../measurement.js";
import { openModel } from "../model.js";
import {
  computeOptions,
  eitherOf,
  type ModelFlags,
  wholeNumber,
  withComputeOptions,
  withModelOption,
  withOutputOptions,
} from "../options.js";
import { Output } from "../output.js";
import { type RunData, runDataOf } from "../run-data.js";

interface EvalFlags extends ModelFlags {
  readonly data?: string;
  readonly limit?: number;
}

export function addEvalCommand(program: Command): void {
  const command = program.command("eval").description("measure a model's accuracy on the test pictures");
  withModelOption(command)
    .argument("[model]", "the same as --model")
    .option("-d, --data <what>", "as for train; default: the data of the run that the model comes from, else CIFAR-10")
    .option("-l, --limit <n>", "only so many test pictures", wholeNumber(1));
  withComputeOptions(command);
  withOutputOptions(command);
  command.action(async (bare: string | undefined, flags: EvalFlags) => {
    const model = modelOf(flags.model, bare);
    const output = new Output(flags);
    const interrupt = listenForInterrupt(output, "stopping");
    try {
      await runEval({ ...flags, ...(model !== undefined && { model }) }, output, interrupt);
    } finally {
      interrupt.release();
    }
  });
}

function modelOf(named: string | undefined, bare: string | undefined): string | undefined {
  if (bare !== "shapes" || existsSync(bare)) return eitherOf("--model", named, bare);
  throw new CifarError("INVALID_ARGUMENT", "shapes are data, and a model was expected: cifar eval --data shapes");
}

async function runEval(
  flags: EvalFlags,
  output: Output,
  interrupt: ReturnType<typeof listenForInterrupt>,
): Promise<void> {
  const { model, card } = await openModel(flags.model);
  prepareToCompute(flags);
  const run = await ownData(flags, output);
  const { test: all } = await loadOrAdvise(flags.data ?? run?.data, { output, interrupt });
  checkClasses(all, card.classes);
  const test = subset(all, 0, Math.min(flags.limit ?? run?.testLimit ?? all.count, all.count));
  const measurement = await measure(model, test, {
    ...computeOptions(flags),
    normalisation: card.normalisation,
    temperature: card.temperature ?? 1,
    signal: interrupt.signal,
    onNotice: (line) => output.noticeOnce(line),
  });
  output.result(measurementRecord(measurement), `${printable(test.name)}: ${describeMeasurement(measurement)}`);
}

/** Without `--data` a run is measured on the pictures that its report tells of. */
async function ownData({ model, data }: EvalFlags, output: Output): Promise<RunData | undefined> {
  const run = model === undefined || data !== undefined ? undefined : await runDataOf(model);
  if (run === undefined) return undefined;
  const part = run.testLimit === undefined ? "" : `, the first ${run.testLimit} test pictures`;
  output.notice(`on the data of the run: ${run.data ?? "CIFAR-10"}${part} (${run.file}; --data names others)`);
  return run;
}

/** A model of other classes would be counted wrong for every picture. */
function checkClasses(data: Dataset, classes: readonly string[]): void {
  if (data.classes.length === classes.length && data.classes.every((name, index) => name === classes[index])) return;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `the model tells ${classes.join(", ")}, but ${data.name} holds ${data.classes.join(", ")}`,
  );
}
