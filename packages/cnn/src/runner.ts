import type { Done } from "@cifar/tensor";
import type { Lane } from "./lane.js";
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

/** One thread, one shard after the other. */
export class SerialRunner implements Runner {
  readonly threads = 1;
  readonly #lane: Lane;
  readonly #train: readonly Step<TrainRequest>[];
  readonly #infer: readonly Step<InferRequest>[];

  constructor(lane: Lane, shards: readonly Shard[]) {
    this.#lane = lane;
    this.#train = [
      (request) => lane.beginTraining(request),
      ...shards.map(
        (shard): Step<TrainRequest> =>
          (request) =>
            lane.train(shard, request),
      ),
    ];
    this.#infer = [
      (request) => lane.beginInference(request),
      ...shards.map(
        (shard, index): Step<InferRequest> =>
          (request) =>
            index < request.shards ? lane.infer(shard) : undefined,
      ),
    ];
  }

  train(request: TrainRequest): Done {
    return runSteps(this.#train, request);
  }

  infer(request: InferRequest): Done {
    return runSteps(this.#infer, request);
  }

  firstNonFinite(shard: Shard): Promise<number | undefined> {
    return this.#lane.firstNonFinite(shard);
  }

  close(): void {}
}
