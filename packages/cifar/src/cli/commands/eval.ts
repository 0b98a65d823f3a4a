import { type Dataset, evaluate, subset } from "@cifar/cnn";
import type { Command } from "commander";
import { CifarError } from "../../errors.js";
import { accuracyInterval, percent } from "../../report/report.js";
import { prepareToCompute } from "../backends.js";
import { columns } from "../format.js";
import { listenForInterrupt } from "../interrupt.js";
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
  readonly flip?: boolean;
}

export function addEvalCommand(program: Command): void {
  const command = program.command("eval").description("measure a model's accuracy on the test pictures");
  withModelOption(command)
    .option("-d, --data <what>", "as for train")
    .option("-l, --limit <n>", "only so many test pictures", wholeNumber(1))
    .option("--flip", "also show every picture mirrored and average; to be reported beside the plain accuracy");
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
  const { accuracy, correct, total, loss, perClass, confusion } = await evaluate(model, test, {
    ...computeOptions(flags),
    normalisation: card.normalisation,
    flip: flags.flip ?? false,
    signal: interrupt.signal,
    onNotice: (line) => output.noticeOnce(line),
  });
  const { low, high } = accuracyInterval(correct, total);
  const rows = perClass.map((of) => [of.label, `${of.correct}`, "of", `${of.total}`, percent(of.accuracy)]);
  output.result(
    { accuracy, correct, total, loss, perClass, confusion },
    `${test.name}: accuracy ${percent(accuracy)} (${correct} of ${total}, 95 % interval ${percent(low)} to ${percent(high)}), ` +
      `loss ${loss.toFixed(4)}\n${columns(rows, [1, 3, 4])}`,
  );
}

/** A model of other classes would be counted wrong for every picture. */
function checkClasses(data: Dataset, classes: readonly string[]): void {
  if (data.classes.length === classes.length && data.classes.every((name, index) => name === classes[index])) return;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `the model tells ${classes.join(", ")}, but ${data.name} holds ${data.classes.join(", ")}`,
  );
}
