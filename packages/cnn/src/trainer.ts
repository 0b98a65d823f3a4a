import type { Backend } from "@cifar/tensor";
import { Batches } from "./batches.js";
import type { Checkpoint } from "./checkpoint.js";
import type { Dataset } from "./dataset.js";
import { dataDigest } from "./digest.js";
import { AVERAGED, CURRENT, type Engine } from "./engine.js";
import { CnnError } from "./errors.js";
import { valuesOf } from "./evaluate.js";
import { AS_IT_IS, type Evaluation, inferLogits, MIRRORED, summariseLogits } from "./evaluation.js";
import { allFinite } from "./finite.js";
import type { ComputeOptions, TakeLogitsOptions, TrainingPlan } from "./fit-options.js";
import { Optimiser } from "./optimiser.js";
import { checkFlag } from "./option.js";
import { planDifference } from "./plan.js";
import { named } from "./printable.js";
import { learningRateAt } from "./schedule.js";
import type { Sequential } from "./sequential.js";
import { openTrainingEngine } from "./training-engine.js";
import { whitenFirstConvolution } from "./whitening.js";

export interface TrainerSpec {
  readonly model: Sequential;
  readonly train: Dataset;
  readonly plan: TrainingPlan;
}

/** What `fit` drives: the state of a run, one step at a time. */
export class Trainer {
  readonly engine: Engine;
  readonly stepsPerEpoch: number;
  /** Of the whole run. */
  readonly steps: number;
  /** Steps made. */
  step = 0;
  /** Sum of the losses of the pictures of the epoch at hand, and their number. */
  epochLoss = { sum: 0, pictures: 0 };
  /** Mean loss of the last step's pictures. */
  loss = Number.NaN;
  /** That of the last step. */
  learningRate = 0;
  readonly #model: Sequential;
  readonly #train: Dataset;
  readonly #plan: TrainingPlan;
  readonly #batches: Batches;
  readonly #optimiser: Optimiser;
  readonly #request = { seed: 0, step: 0, scale: 1, dropoutScale: 1 };
  #dataDigest: string | undefined;

  static async open(run: TrainerSpec, options: ComputeOptions & { readonly resume?: Checkpoint }): Promise<Trainer> {
    const { model, plan } = run;
    const { placed } = model;
    const { batchSize, labelSmoothing } = plan;
    const averaging = plan.averaging !== undefined;
    const { engine, backend } = await openTrainingEngine({ placed, batchSize, labelSmoothing, averaging }, options);
    try {
      const trainer = new Trainer(engine, backend, run);
      if (options.resume === undefined) await trainer.#begin();
      else await trainer.#resume(options.resume);
      return trainer;
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  private constructor(engine: Engine, backend: Backend, { model, train, plan }: TrainerSpec) {
    this.engine = engine;
    this.#model = model;
    this.#train = train;
    this.#plan = plan;
    this.#batches = new Batches(train, plan, engine);
    this.#optimiser = new Optimiser(engine, backend, plan);
    this.stepsPerEpoch = this.#batches.stepsPerEpoch;
    this.steps = this.stepsPerEpoch * plan.epochs;
    this.#request.seed = plan.seed;
  }

  /** Number of the epoch at hand, from 0. */
  get epoch(): number {
    return Math.floor(this.step / this.stepsPerEpoch);
  }

  async #begin(): Promise<void> {
    const { whitening, normalisation } = this.#plan;
    if (whitening !== undefined) whitenFirstConvolution(this.#model, this.#train, { ...whitening, normalisation });
    await this.engine.write(this.engine.parameters, valuesOf(this.#model));
  }

  async #resume(checkpoint: Checkpoint): Promise<void> {
    const { engine } = this;
    const differs = (other: string) =>
      new CnnError("CHECKPOINT_MISMATCH", `checkpoint: its ${other} is not that of this run`);
    if (JSON.stringify(checkpoint.architecture) !== JSON.stringify(this.#model.architecture()))
      throw differs("network");
    // Before the options: those that are made of the data differ with them.
    const { name, count, digest } = checkpoint.data;
    if (digest !== this.#digestOfData() || count !== this.#train.count) {
      throw new CnnError(
        "CHECKPOINT_MISMATCH",
        `checkpoint: it was trained on ${named(name)} (${count} pictures), not on this ${this.#train.name} ` +
          `(${this.#train.count} pictures)`,
      );
    }
    const other = planDifference(checkpoint.plan, this.#plan);
    if (other !== undefined) throw differs(other);
    if (!Number.isSafeInteger(checkpoint.step) || checkpoint.step < 0 || checkpoint.step > this.steps) {
      throw new CnnError(
        "CHECKPOINT_MISMATCH",
        `checkpoint: step ${checkpoint.step} is not within ${this.steps} steps`,
      );
    }
    this.step = checkpoint.step;
    this.epochLoss = { ...checkpoint.epochLoss };
    await engine.write(engine.parameters, checkpoint.parameters);
    await engine.write(this.#optimiser.velocities, checkpoint.velocities);
    if (engine.averages !== undefined)
      await engine.write(engine.averages, checkpoint.averages ?? checkpoint.parameters);
  }

  /**
   * Makes one step. The parameters are unchanged if its loss is not finite.
   * @throws CnnError NOT_FINITE naming the step and the first layer with NaN or Infinity
   */
  async advance(): Promise<void> {
    const { engine } = this;
    const request = this.#request;
    if (this.step % this.stepsPerEpoch === 0) this.epochLoss = { sum: 0, pictures: 0 };
    const pictures = this.#batches.fill(this.step);
    request.step = this.step;
    request.scale = 1 / pictures;
    request.dropoutScale = this.#dropoutScale();
    const uploaded = engine.upload();
    if (uploaded !== undefined) await uploaded;
    const trained = engine.train(request);
    if (trained !== undefined) await trained;
    let sum = 0;
    for (const { training } of engine.shards) {
      const losses = engine.values(training!.losses);
      sum += total(losses instanceof Float32Array ? losses : await losses);
    }
    this.loss = sum / pictures;
    if (!Number.isFinite(this.loss)) throw await this.#notFinite();
    await this.#descend();
    this.epochLoss.sum += sum;
    this.epochLoss.pictures += pictures;
    this.step++;
  }

  async #descend(): Promise<void> {
    const { engine, step } = this;
    const { schedule, optimiser, averaging } = this.#plan;
    this.learningRate = learningRateAt(schedule, optimiser.learningRate, step, this.steps);
    if (step === this.#averagedFrom) await engine.write(engine.averages!, await engine.read(engine.parameters));
    const changed = this.#optimiser.step(this.learningRate, step >= this.#averagedFrom ? averaging?.decay : undefined);
    if (changed !== undefined) await changed;
  }

  /** Classifies a data set with the parameters that the finished model would have now. */
  async validate(dataset: Dataset): Promise<Evaluation> {
    return summariseLogits(await this.predictLogits(dataset), dataset);
  }

  /**
   * Logits of a data set with these parameters.
   * @throws CnnError NOT_FINITE if they are NaN or infinite, as those of finite weights may be
   */
  async predictLogits(dataset: Dataset, options: TakeLogitsOptions = {}): Promise<Float32Array> {
    const { mirrored = false, signal } = options;
    checkFlag("fit: mirrored", mirrored);
    try {
      return await inferLogits(this.engine, {
        images: dataset.images,
        count: dataset.count,
        normalisation: this.#plan.normalisation,
        set: this.#averaged ? AVERAGED : CURRENT,
        mirrored: mirrored ? MIRRORED : AS_IT_IS,
        signal,
      });
    } catch (cause) {
      if (!(cause instanceof CnnError) || cause.code !== "NOT_FINITE") throw cause;
      const advice = "a lower learning rate may help";
      throw new CnnError("NOT_FINITE", `fit: after step ${this.step}, ${cause.message}: ${advice}`, { cause });
    }
  }

  /**
   * Copies the parameters, or their averages where the plan asks for them, into the model.
   * @throws CnnError NOT_FINITE if one of them is NaN or Infinity; the model is unchanged then
   */
  async updateModel(): Promise<void> {
    const { engine } = this;
    this.#model.assign(this.#finite(await engine.read(this.#averaged ? engine.averages! : engine.parameters)));
  }

  /** @throws CnnError NOT_FINITE if the parameters are not worth keeping */
  async checkpoint(): Promise<Checkpoint> {
    const { engine } = this;
    const parameters = this.#finite(await engine.read(engine.parameters));
    const { name, count } = this.#train;
    let averages: Map<string, Float32Array> | undefined;
    if (engine.averages !== undefined)
      averages = await engine.read(this.#averaged ? engine.averages : engine.parameters);
    return {
      architecture: this.#model.architecture(),
      plan: this.#plan,
      data: { name, count, digest: this.#digestOfData() },
      step: this.step,
      epochLoss: { ...this.epochLoss },
      parameters,
      velocities: this.#finite(await engine.read(this.#optimiser.velocities)),
      averages,
    };
  }

  close(): void {
    this.engine.close();
  }

  /** First step that moves the averages; before it they are not kept. */
  get #averagedFrom(): number {
    const { averaging } = this.#plan;
    return averaging === undefined ? Number.POSITIVE_INFINITY : Math.ceil(averaging.from * this.steps);
  }

  /** True once there are averages. */
  get #averaged(): boolean {
    return this.step > this.#averagedFrom;
  }

  #dropoutScale(): number {
    const { epochs, dropout } = this.#plan;
    return epochs === 1 ? dropout.start : dropout.start + ((dropout.end - dropout.start) * this.epoch) / (epochs - 1);
  }

  #digestOfData(): string {
    this.#dataDigest ??= dataDigest(this.#train);
    return this.#dataDigest;
  }

  #finite(values: Map<string, Float32Array>): Map<string, Float32Array> {
    for (const [name, data] of values) {
      if (allFinite(data)) continue;
      throw new CnnError(
        "NOT_FINITE",
        `fit: after step ${this.step} parameter ${name} holds NaN or Infinity: a lower learning rate may help`,
      );
    }
    return values;
  }

  /** Looks for where it began: the first layer whose parameters or whose output are not finite. */
  async #notFinite(): Promise<CnnError> {
    const { engine } = this;
    const parameters = await engine.read(engine.parameters);
    const bad = [...parameters].find(([, data]) => !allFinite(data))?.[0];
    let layer = bad === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(bad, 10);
    let what = "parameters";
    for (const shard of engine.shards) {
      const index = await engine.runner.firstNonFinite(shard);
      if (index === undefined || index >= layer) continue;
      layer = index;
      what = "output";
    }
    const type = this.#model.layers[layer]?.type;
    const where =
      type === undefined ? "no layer's output is to blame" : `first in the ${what} of layer ${layer} (${type})`;
    return new CnnError(
      "NOT_FINITE",
      `fit: step ${this.step + 1} has a loss of ${this.loss}, ${where}: a lower learning rate may help`,
    );
  }
}

function total(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
