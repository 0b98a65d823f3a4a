import type { Backend, Done, Tensor } from "@cifar/tensor";
import type { PlacedLayer } from "./place.js";
import { Program } from "./program.js";
import type { Shard } from "./shard.js";
import { runSteps, type Step } from "./steps.js";

/** What all shards of a step have in common. */
export interface TrainRequest {
  readonly seed: number;
  readonly step: number;
  /** 1 / pictures in the batch. */
  readonly scale: number;
  /** Factor on the rates of all dropout layers. */
  readonly dropoutScale: number;
}

export interface InferRequest {
  /** How many of the shards. */
  readonly shards: number;
  /** Which set of parameters. */
  readonly set: number;
  /** Counts their changes: they are taken up anew only when it has changed. */
  readonly version: number;
}

/** Takes shards through the network, on one thread or on several. */
export interface Runner {
  readonly threads: number;
  /** Forward, loss and backward of all shards, with the current parameters. */
  train(request: TrainRequest): Done;
  /** Logits of the first shards. */
  infer(request: InferRequest): Done;
  /** What {@link train} computed for a shard, made anew to find the first layer that holds NaN or Infinity. */
  firstNonFinite(shard: Shard): Promise<number | undefined>;
  close(): void;
}

/** What a runner works with. */
export interface RunnerSpec {
  readonly placed: readonly PlacedLayer[];
  readonly backend: Backend;
  /** Pictures in a shard. */
  readonly batch: number;
  readonly shards: readonly Shard[];
  /** The current parameters and, where they are kept, their averages. */
  readonly sets: readonly (readonly Tensor[])[];
  readonly training: { readonly labelSmoothing: number } | undefined;
}

/** One thread, one shard after the other. */
export class SerialRunner implements Runner {
  readonly threads = 1;
  readonly #spec: RunnerSpec;
  readonly #trainProgram: Program | undefined;
  readonly #trainSteps: readonly Step<TrainRequest>[];
  #inferProgram: Program | undefined;
  /** The parameters that the program for inference has taken up. */
  #inferred: Pick<InferRequest, "set" | "version"> = { set: -1, version: -1 };

  constructor(spec: RunnerSpec) {
    this.#spec = spec;
    const { placed, backend, batch, shards, sets, training } = spec;
    if (training === undefined) {
      this.#trainSteps = [];
      return;
    }
    const program = new Program({ placed, backend, batch, training });
    this.#trainProgram = program;
    this.#trainSteps = [
      (request) => {
        program.setDropoutScale(request.dropoutScale);
        return program.prepare(sets[0]!);
      },
      ...shards.map(
        (shard): Step<TrainRequest> =>
          (request) => {
            setRequest(shard, request);
            return program.train(shard);
          },
      ),
    ];
  }

  train(request: TrainRequest): Done {
    return runSteps(this.#trainSteps, request);
  }

  infer(request: InferRequest): Done {
    const { placed, backend, batch, shards, sets } = this.#spec;
    this.#inferProgram ??= new Program({ placed, backend, batch });
    const program = this.#inferProgram;
    const steps: Step<void>[] = [];
    if (request.set !== this.#inferred.set || request.version !== this.#inferred.version) {
      this.#inferred = request;
      steps.push(() => program.prepare(sets[request.set]!));
    }
    for (const shard of shards.slice(0, request.shards)) steps.push(() => program.forward(shard));
    return runSteps(steps, undefined);
  }

  async firstNonFinite(shard: Shard): Promise<number | undefined> {
    return this.#trainProgram?.firstNonFinite(shard);
  }

  close(): void {}
}

/** Puts what a step's shards have in common into one of them. */
export function setRequest(shard: Shard, request: TrainRequest): void {
  const training = shard.training!;
  training.key.seed = request.seed;
  training.key.step = request.step;
  training.scale = request.scale;
}
