import { networkFor } from "@cifar/cifar/browser";
import {
  type Checkpoint,
  CnnError,
  type FitOptions,
  type LoadedModel,
  loadModel,
  type ModelCard,
  type Sequential,
  saveModel,
} from "@cifar/cnn";
import { wasmSupported } from "@cifar/tensor";
import type { Command, Compute, Report, RunSettings } from "../protocol.js";
import { type Data, drawShapes, readCifarFiles, samplesOf } from "./data.js";
import { Exhibit } from "./exhibit.js";
import { computeOptions, optionsOf, Run } from "./run.js";

/** Test pictures that the accuracy is measured with: fewer where only plain TypeScript runs. */
const MEASURED = wasmSupported() ? 300 : 20;
/** Measuring may take this part of the time. */
const MEASURING_SHARE = 0.1;

/** A run that goes on or can go on. */
interface Training {
  readonly model: Sequential;
  readonly options: FitOptions;
  readonly settings: RunSettings;
  checkpoint: Checkpoint | undefined;
}

/** What the page's worker remembers: the pictures, the network that is shown, and the training. */
export class Session {
  readonly #report: (report: Report) => void;
  #data: Data | undefined;
  #exhibit: Exhibit | undefined;
  #picture: Uint8Array | undefined;
  #training: Training | undefined;
  #run: Run | undefined;
  /** Until the run at hand is over. */
  #running: Promise<void> = Promise.resolve();
  #measured = { at: Number.NEGATIVE_INFINITY, took: 0 };
  #accuracy: ModelCard["accuracy"];

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  /** @throws what the command failed by; the session is as before then */
  async handle(command: Command): Promise<void> {
    switch (command.type) {
      case "shapes":
        return this.#take(drawShapes(command));
      case "files":
        return this.#take(await readCifarFiles(command.files));
      case "train":
        return this.#begin(command.settings, command.compute);
      case "stop":
        return this.#halt();
      case "goOn":
        await this.#halt();
        return this.#start(command.compute);
      case "look":
        this.#picture = command.picture;
        this.#show();
        return;
      case "save":
        this.#save();
        return;
      case "load":
        return this.#load(command.file);
    }
  }

  async #take(data: Data): Promise<void> {
    await this.#halt();
    this.#data = data;
    this.#training = undefined;
    const { name, train, test } = data;
    const samples = samplesOf(data);
    this.#picture = samples[0]?.picture;
    this.#report({ type: "data", name, train: train.count, test: test.count, samples });
    this.#show();
  }

  async #begin(settings: RunSettings, compute: Compute): Promise<void> {
    await this.#halt();
    const data = this.#data;
    if (data === undefined) throw new Error("there are no pictures to train on yet");
    const { recipe, options } = optionsOf(settings, data);
    const { classes } = data.train;
    const model = networkFor(recipe, classes.length, settings.seed);
    this.#training = { model, options, settings, checkpoint: undefined };
    this.#accuracy = undefined;
    await this.#exhibitModel(model.clone(), { classes, normalisation: data.normalisation });
    this.#show();
    this.#start(compute);
  }

  /** Trains on, beside whatever else is asked for. */
  #start(compute: Compute): void {
    const training = this.#training;
    const data = this.#data;
    if (training === undefined || data === undefined) throw new Error("there is no run to go on with");
    const { model, checkpoint } = training;
    const options = {
      ...training.options,
      ...computeOptions(compute, (line) => this.#report({ type: "notice", line })),
      ...(checkpoint !== undefined && { resume: checkpoint }),
    };
    const run = new Run();
    this.#run = run;
    this.#measured = { at: Number.NEGATIVE_INFINITY, took: 0 };
    this.#running = run
      .train(
        model,
        { data, options },
        { report: this.#report, onState: (state, last) => this.#follow(training, state, last) },
      )
      .catch((error: unknown) => this.#failed(training, error))
      .finally(() => {
        this.#run = undefined;
      });
  }

  #failed({ checkpoint, options }: Training, error: unknown): void {
    this.#report({ type: "failed", line: lineOf(error) });
    const { train } = this.#data!;
    const steps = Math.ceil(train.count / (options.batchSize ?? 64)) * options.epochs;
    this.#report({ type: "stopped", step: checkpoint?.step ?? 0, steps });
  }

  /** Ends the run at hand after its step. */
  async #halt(): Promise<void> {
    this.#run?.stop();
    await this.#running;
  }

  /** Keeps a run's state and shows what has become of the network. */
  #follow(training: Training, checkpoint: Checkpoint, last: boolean): void {
    training.checkpoint = checkpoint;
    this.#exhibit?.model.assign(checkpoint.parameters);
    this.#show();
    const begun = performance.now();
    const { at, took } = this.#measured;
    if (!last && (begun - at) * MEASURING_SHARE < took) return;
    const measured = this.#measure();
    this.#measured = { at: performance.now(), took: performance.now() - begun };
    if (measured !== undefined) this.#report({ type: "accuracy", step: checkpoint.step, ...measured });
  }

  /** Undefined where the network tells other classes apart than the pictures have. */
  #measure(): ReturnType<Exhibit["measure"]> | undefined {
    const data = this.#data;
    const exhibit = this.#exhibit;
    if (data === undefined || exhibit?.card.classes.join() !== data.test.classes.join()) return undefined;
    const measured = exhibit.measure(data.test, MEASURED);
    this.#accuracy = { data: data.test.name, accuracy: measured.accuracy, total: measured.pictures };
    return measured;
  }

  #show(): void {
    if (this.#exhibit !== undefined) this.#report({ type: "view", view: this.#exhibit.view(this.#picture) });
  }

  async #exhibitModel(model: Sequential, card: ModelCard): Promise<void> {
    const exhibit = await Exhibit.open(model, card);
    this.#exhibit?.close();
    this.#exhibit = exhibit;
  }

  #save(): void {
    const exhibit = this.#exhibit;
    if (exhibit === undefined) throw new Error("there is no model to save yet: train one first");
    const { model, card } = exhibit;
    const training = this.#training;
    const made = training?.checkpoint && {
      training: { ...training.settings, data: this.#data!.name, step: training.checkpoint.step },
    };
    const accuracy = this.#accuracy && { accuracy: this.#accuracy };
    this.#report({
      type: "saved",
      name: "model.safetensors",
      bytes: saveModel(model, { ...card, ...made, ...accuracy }),
    });
  }

  async #load(file: File): Promise<void> {
    const { model, card } = await readModel(file);
    if (model.input.join() !== "32,32,3") {
      throw new CnnError(
        "SHAPE_MISMATCH",
        `${file.name}: its network takes [${model.input.join(", ")}], this page has pictures of [32, 32, 3]`,
      );
    }
    await this.#halt();
    this.#training = undefined;
    this.#accuracy = card.accuracy;
    await this.#exhibitModel(model, card);
    const measured = this.#measure();
    const { parameterCount: parameters } = model;
    this.#report({ type: "loaded", name: file.name, parameters, classes: card.classes, ...measured });
    this.#show();
  }
}

/** @throws CnnError INVALID_FILE naming the file */
async function readModel(file: File): Promise<LoadedModel> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return loadModel(bytes);
  } catch (cause) {
    if (!(cause instanceof CnnError)) throw cause;
    throw new CnnError(cause.code, `${file.name}: ${cause.message}`, { cause });
  }
}

/** An error in one line. */
export function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
