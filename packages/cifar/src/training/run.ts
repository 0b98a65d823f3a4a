import {
  type Checkpoint,
  type Dataset,
  type FitEvent,
  fit,
  fitTemperature,
  saveModel,
  subset,
  type TakeLogits,
  weightsDigest,
} from "@cifar/cnn";
import type { BackendName } from "@cifar/tensor";
import type { DataSplits } from "../dataset/cifar10.js";
import { normalisationOf } from "../dataset/normalisation.js";
import { accuracyInterval } from "../report/report.js";
import { writeReport } from "../report/write.js";
import { writeWhole } from "../writing.js";
import { modelCard } from "./card.js";
import type { RunEvent, RunStart } from "./events.js";
import { type Measurement, measurementOf, type Temperature } from "./measure.js";
import { appendToLog, type RunFiles, writeCheckpoint } from "./run-folder.js";
import { encodeSettings, networkFor, type RunSettings, splitTraining } from "./settings.js";

export interface RunOptions {
  readonly files: RunFiles;
  readonly settings: RunSettings;
  readonly data: DataSplits;
  /** Goes on from here; `events` is what had happened before. */
  readonly resume?: { readonly checkpoint: Checkpoint; readonly events: readonly RunEvent[] };
  readonly backend?: BackendName;
  readonly threads?: number;
  /** Stops after the step at hand and writes a checkpoint. */
  readonly signal?: AbortSignal;
  /** Milliseconds between checkpoints within an epoch; default one minute. */
  readonly checkpointEvery?: number;
  readonly onEvent: (event: RunEvent) => void;
  readonly onNotice: (line: string) => void;
}

export interface RunResult {
  /** True if the signal ended it early. */
  readonly stopped: boolean;
  /** Of the test pictures; undefined if it was stopped before. */
  readonly measurement: Measurement | undefined;
}

/**
 * Trains, tests and reports, leaving everything in the run's folder. Whatever happens on the way, the last checkpoint
 * stays.
 * @throws CnnError NOT_FINITE and others; CifarError CANNOT_WRITE
 */
export async function runTraining(options: RunOptions): Promise<RunResult> {
  const { files, settings, data, signal, resume, onNotice } = options;
  const started = performance.now();
  const { train, validation } = splitTraining(data.train, settings);
  const test =
    settings.testLimit === undefined ? data.test : subset(data.test, 0, Math.min(settings.testLimit, data.test.count));
  const normalisation = normalisationOf(data.train);
  const model = networkFor(settings.recipe, train.classes.length, settings.seed);
  const recorder = new Recorder(options, { train, validation, test });

  const steps = fit(
    model,
    { train, ...(validation !== undefined && { validation }) },
    {
      ...settings.recipe.training,
      onNotice,
      ...(options.backend !== undefined && { backend: options.backend }),
      ...(options.threads !== undefined && { threads: options.threads }),
      seed: settings.seed,
      normalisation,
      ...(signal !== undefined && { signal }),
      ...(resume !== undefined && { resume: resume.checkpoint }),
    },
  );
  let tested: Tested | undefined;
  for await (const event of steps) {
    await recorder.record(event);
    if (event.type !== "end") continue;
    await recorder.add({ type: "test", total: test.count });
    // What has trained also tests: its memory is the run's largest part.
    const predict: TakeLogits = (dataset, look) => event.predictLogits(dataset, { ...look, ...(signal && { signal }) });
    try {
      tested = await testModel(predict, { settings, validation, test });
    } catch (error) {
      // The last checkpoint is that of the last step: going on from there tests again.
      if (!signal?.aborted) throw error;
    }
  }
  if (tested === undefined) return { stopped: true, measurement: undefined };

  const { temperature, measurement } = tested;
  const { evaluation } = measurement;
  const card = modelCard({ settings, train, test, normalisation, temperature, measurement, events: recorder.events });
  await writeWhole(files.model, saveModel(model, card));
  await writeReport(files, { model, card, settings, test, measurement, events: recorder.events });
  const { low, high } = accuracyInterval(evaluation.correct, evaluation.total);
  await recorder.add({
    type: "end",
    testAccuracy: evaluation.accuracy,
    interval: [low, high],
    flipAveraged: measurement.flipAveraged.accuracy,
    calibrationError: measurement.calibrated.error,
    seconds: (performance.now() - started) / 1000,
    model: files.model,
    digest: weightsDigest(model),
    report: files.report,
  });
  return { stopped: false, measurement };
}

interface Tested {
  readonly temperature: Temperature;
  readonly measurement: Measurement;
}

async function testModel(
  predict: TakeLogits,
  run: { settings: RunSettings; validation: Dataset | undefined; test: Dataset },
): Promise<Tested> {
  const temperature = await chooseTemperature(predict, run);
  const logits = { asItIs: await predict(run.test), mirrored: await predict(run.test, { mirrored: true }) };
  return { temperature, measurement: measurementOf(logits, run.test, temperature.value) };
}

/** A temperature fitted on fewer pictures says more about them than about the model. */
const FEWEST_TO_FIT_ON = 100;

/** Fitted on the held-out pictures; where there are none, the recipe says what was found when there were some. */
export async function chooseTemperature(
  predict: TakeLogits,
  { settings, validation }: { settings: RunSettings; validation: Dataset | undefined },
): Promise<Temperature> {
  if (validation !== undefined && validation.count >= FEWEST_TO_FIT_ON) {
    const value = fitTemperature(await predict(validation), validation.labels);
    return { value, source: `fitted on ${validation.count} held-out training pictures` };
  }
  const { temperature } = settings.recipe;
  return temperature === undefined
    ? { value: 1, source: `none, since fewer than ${FEWEST_TO_FIT_ON} pictures were held out` }
    : { value: temperature, source: "the recipe's, fitted in a run with held-out pictures" };
}

/** Turns what `fit` tells into the run's events, its log and its checkpoints. */
class Recorder {
  readonly events: RunEvent[];
  readonly #options: RunOptions;
  readonly #sets: { readonly train: Dataset; readonly validation: Dataset | undefined; readonly test: Dataset };
  #stepsPerEpoch = 0;
  #lastCheckpoint = performance.now();
  #unwritten: RunEvent[] = [];

  constructor(options: RunOptions, sets: { train: Dataset; validation: Dataset | undefined; test: Dataset }) {
    this.#options = options;
    this.#sets = sets;
    this.events = [...(options.resume?.events ?? [])];
  }

  async record(event: FitEvent): Promise<void> {
    const { files, settings, resume, checkpointEvery = 60_000 } = this.#options;
    switch (event.type) {
      case "start": {
        const { type: _, ...start } = event;
        this.#stepsPerEpoch = event.stepsPerEpoch;
        // Only now is it known that the checkpoint belongs to these data and settings, which may be others than those kept.
        if (resume !== undefined) await writeWhole(files.settings, encodeSettings(settings));
        return this.add({ type: "start", ...this.#about(), ...start });
      }
      case "step": {
        const { checkpoint, ...step } = event;
        this.#hold(step);
        if (performance.now() - this.#lastCheckpoint < checkpointEvery) return;
        await this.#save(await checkpoint());
        return this.add({ type: "checkpoint", step: step.step, file: files.checkpoint });
      }
      case "epoch": {
        const { checkpoint, ...epoch } = event;
        await this.add({ ...epoch, step: epoch.epoch * this.#stepsPerEpoch });
        return this.#save(await checkpoint());
      }
      case "stop": {
        const { checkpoint, ...stop } = event;
        await this.#save(await checkpoint());
        return this.add({ ...stop, checkpoint: files.checkpoint });
      }
      case "end":
        // Training has ended; the run ends when it is tested.
        return;
    }
  }

  /** Tells an event and writes it to the log with those that were held back. */
  async add(event: RunEvent): Promise<void> {
    this.#hold(event);
    await this.#write();
  }

  /** Steps are many: they go into the log with the next checkpoint, before which a resumed run would not look at them. */
  #hold(event: RunEvent): void {
    this.events.push(event);
    this.#unwritten.push(event);
    this.#options.onEvent(event);
  }

  async #write(): Promise<void> {
    const events = this.#unwritten;
    this.#unwritten = [];
    await appendToLog(this.#options.files, events);
  }

  /**
   * The log comes first: a run that is killed in between finds more in its log than its checkpoint knows of, and cuts it
   * back. The other way round an epoch would be missing from its curve.
   */
  async #save(checkpoint: Checkpoint): Promise<void> {
    await this.#write();
    await writeCheckpoint(this.#options.files, checkpoint);
    this.#lastCheckpoint = performance.now();
  }

  #about(): Pick<RunStart, "recipe" | "seed" | "data" | "folder"> {
    const { settings, files } = this.#options;
    const { train, validation, test } = this.#sets;
    return {
      recipe: settings.recipe.name,
      seed: settings.seed,
      data: { name: train.name, train: train.count, validation: validation?.count ?? 0, test: test.count },
      folder: files.folder,
    };
  }
}
