import { type Dataset, printable, subset } from "@cifar/cnn";
import type { Command } from "commander";
import { CifarError } from "../../errors.js";
import { measure } from "../../training/measure.js";
import { prepareToCompute } from "../backends.js";
import { listenForInterrupt } from "../interrupt.js";
import { describeMeasurement, measurementRecord } from "../measurement.js";
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
import { loadForRun } from "./train.js";

interface EvalFlags extends ModelFlags {
  readonly data?: string;
  readonly limit?: number;
}

export function addEvalCommand(program: Command): void {
  const command = program.command("eval").description("measure a model's accuracy on the test pictures");
  withModelOption(command)
    .option("-d, --data <what>", "as for train")
    .option("-l, --limit <n>", "only so many test pictures", wholeNumber(1));
  withComputeOptions(command);
  withOutputOptions(command);
  command.action(async (flags: EvalFlags) => {
    const output = new Output(flags);
    const interrupt = listenForInterrupt(output, "stopping");
    try {
      await runEval(flags, output, interrupt);
    } finally {
      interrupt.release();
    }
  });
}

async function runEval(
  flags: EvalFlags,
  output: Output,
  interrupt: ReturnType<typeof listenForInterrupt>,
): Promise<void> {
  const { model, card } = await openModel(flags.model);
  prepareToCompute(flags);
  const { test: all } = await loadForRun(flags.data === undefined ? {} : { data: flags.data }, {
    output,
    interrupt,
  });
  checkClasses(all, card.classes);
  const test = subset(all, 0, Math.min(flags.limit ?? all.count, all.count));
  const measurement = await measure(model, test, {
    ...computeOptions(flags),
    normalisation: card.normalisation,
    temperature: card.temperature ?? 1,
    signal: interrupt.signal,
    onNotice: (line) => output.noticeOnce(line),
  });
  output.result(measurementRecord(measurement), `${printable(test.name)}: ${describeMeasurement(measurement)}`);
}

/** A model of other classes would be counted wrong for every picture. */
function checkClasses(data: Dataset, classes: readonly string[]): void {
  if (data.classes.length === classes.length && data.classes.every((name, index) => name === classes[index])) return;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `the model tells ${classes.join(", ")}, but ${data.name} holds ${data.classes.join(", ")}`,
  );
}
