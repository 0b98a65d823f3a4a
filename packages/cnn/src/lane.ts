import type { Done, InferenceBackend, Tensor } from "@cifar/tensor";
import type { PlacedLayer } from "./place.js";
import { Program, type ProgramSpec } from "./program.js";
import type { InferRequest, TrainRequest } from "./runner.js";
import type { Shard } from "./shard.js";
import { type Breathe, runSteps } from "./steps.js";
import type { TrainingProgram } from "./training-program.js";

/** What a lane works with. */
export interface LaneSpec {
  readonly placed: readonly PlacedLayer[];
  readonly backend: InferenceBackend;
  /** Pictures in a shard. */
  readonly batch: number;
  /** The current parameters and, where they are kept, their averages. */
  readonly sets: readonly (readonly Tensor[])[];
  readonly training: LaneTraining | undefined;
  /** Asked after each layer of inference; not where other threads wait for this one. */
  readonly breathe?: Breathe | undefined;
}

/** What training adds: brought along by who trains, so that who only infers does without its code. */
export interface LaneTraining {
  readonly labelSmoothing: number;
  readonly compile: (network: Omit<ProgramSpec, "backend">) => TrainingProgram;
}

/** One thread's own programs, taking one shard after the other through the network. */
export class Lane {
  readonly #spec: LaneSpec;
  readonly #trainProgram: TrainingProgram | undefined;
  #inferProgram: Program | undefined;
  /** The parameters that the program for inference has taken up. */
  readonly #inferred = { set: -1, version: -1 };

  constructor(spec: LaneSpec) {
    this.#spec = spec;
    const { placed, batch, training } = spec;
    this.#trainProgram = training?.compile({ placed, batch });
  }

  /** Takes up the current parameters, before the first shard of a step. */
  beginTraining(request: TrainRequest): Done {
    const program = this.#trainProgram!;
    program.setDropoutScale(request.dropoutScale);
    return program.prepare(this.#spec.sets[0]!);
  }

  /** Forward, loss and backward of a shard. */
  train(shard: Shard, request: TrainRequest): Done {
    const training = shard.training!;
    training.key.seed = request.seed;
    training.key.step = request.step;
    training.scale = request.scale;
    return this.#trainProgram!.train(shard);
  }

  /** Makes what inference needs, which training alone does without. */
  openInference(): Done {
    if (this.#inferProgram !== undefined) return;
    const { placed, backend, batch, breathe } = this.#spec;
    const program = new Program({ placed, backend, batch, breathe });
    const keep = () => {
      this.#inferProgram = program;
    };
    return runSteps([() => program.make(), keep], undefined);
  }

  /** Takes up a set of parameters, unless it did so before and they have not changed since. */
  beginInference({ set, version }: InferRequest): Done {
    if (set === this.#inferred.set && version === this.#inferred.version) return;
    const keep = () => {
      this.#inferred.set = set;
      this.#inferred.version = version;
    };
    const prepare = () => this.#inferProgram!.prepare(this.#spec.sets[set]!);
    return runSteps([() => this.openInference(), prepare, keep], undefined);
  }

  /** Writes a shard's logits, with the parameters that were taken up. */
  infer(shard: Shard): Done {
    return this.#inferProgram!.forward(shard);
  }

  /** Index of the first layer whose output in training holds NaN or Infinity. */
  async firstNonFinite(shard: Shard): Promise<number | undefined> {
    return this.#trainProgram?.firstNonFinite(shard);
  }
}
