import { existsSync } from "node:fs";
import { join } from "node:path";
import { CnnError } from "@cifar/cnn";
import type { DataSplits } from "../dataset/cifar10.js";
import { shellWord } from "../shell-word.js";
import { type RunOptions, runTraining } from "../training/run.js";
import { holdRunFolder } from "../training/run-claim.js";
import { createRunFolder, makeNewFolder, type RunFiles } from "../training/run-folder.js";
import type { RunSettings } from "../training/settings.js";
import { makeFolder } from "../writing.js";
import { prepareToCompute } from "./backends.js";
import { ExitCode } from "./exit-codes.js";
import type { Interrupt } from "./interrupt.js";
import { describeMeasurement } from "./measurement.js";
import { type ComputeFlags, computeOptions } from "./options.js";
import type { Output } from "./output.js";
import { TrainingBar } from "./progress.js";

/** What a command that trains was told, and whom it tells. */
export interface TrainContext<Flags extends ComputeFlags = ComputeFlags> {
  readonly flags: Flags;
  readonly output: Output;
  readonly interrupt: Interrupt;
}

/** Begins a run in a folder of its own, or in the one that is named. */
export async function trainNew(
  run: { readonly folder?: string | undefined; readonly settings: RunSettings; readonly data: DataSplits },
  context: TrainContext,
): Promise<{ readonly status: ExitCode; readonly files: RunFiles }> {
  const { settings, data } = run;
  if (run.folder !== undefined) await makeFolder(run.folder);
  const folder = run.folder ?? (await makeNewFolder(nameOfRun(settings)));
  return holdRunFolder(folder, async () => {
    const files = await createRunFolder(folder, settings);
    return { status: await trainInto({ files, settings, data }, context), files };
  });
}

/** Trains with a bar in a folder that is held, and tells what came of it. */
export async function trainInto(
  run: Pick<RunOptions, "files" | "settings" | "data" | "resume">,
  { flags, output, interrupt }: TrainContext,
): Promise<ExitCode> {
  prepareToCompute(flags);
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
function nameOfRun({ recipe, seed }: RunSettings): string {
  const time = new Date()
    .toISOString()
    .replace(/[-:]|\..*/g, "")
    .replace("T", "-");
  return join("runs", `${recipe.name}-seed${seed}-${time}`);
}
