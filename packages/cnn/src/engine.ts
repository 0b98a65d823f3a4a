import { createWasmInference, type Done, type InferenceBackend, type Shape, sizeOf, type Tensor } from "@cifar/tensor";
import { type Compute, openCompute } from "./compute.js";
import { CnnError } from "./errors.js";
import type { ComputeOptions } from "./fit-options.js";
import type { LaneTraining } from "./lane.js";
import { openRunner } from "./open-runner.js";
import { type PlacedLayer, parameterShapes } from "./place.js";
import type { Runner, TrainRequest } from "./runner.js";
import { createShard, type Shard } from "./shard.js";
import { runSteps, type Step } from "./steps.js";

export interface EngineSpec {
  readonly placed: readonly PlacedLayer[];
  /** Most pictures at a time. */
  readonly batchSize: number;
  /** Left out for inference alone. */
  readonly training?: LaneTraining & { readonly averaging: boolean };
}

/** Most values of a batch of pictures: 1 GiB, which is what a WebAssembly memory of ours may have. */
const MOST_VALUES = 2 ** 28;

/** Which parameters to infer with. */
export const CURRENT = 0;
export const AVERAGED = 1;

/** A network on a backend: parameters, shards and what takes the shards through the layers. */
export class Engine {
  readonly backend: InferenceBackend;
  /** Shape of one picture. */
  readonly input: Shape;
  /** Names of the parameters, in the network's order. */
  readonly names: readonly string[];
  readonly shapes: readonly Shape[];
  readonly parameters: readonly Tensor[];
  /** Moving averages of the parameters, where they are kept. */
  readonly averages: readonly Tensor[] | undefined;
  readonly shards: readonly Shard[];
  /** Pictures in a shard. */
  readonly shardSize: number;
  /** Where pictures are put together before {@link upload}: room for all shards. */
  readonly images: Float32Array;
  /** Class of each of them, −1 for an absent one. */
  readonly labels: Int32Array;
  readonly #uploads: readonly Step<void>[];
  readonly #owned: boolean;
  #runner: Runner | undefined;
  /** Counts changes of the parameters. */
  #version = 0;
  #closed = false;

  /** An engine that only infers. */
  static async open(spec: Omit<EngineSpec, "training">, options: ComputeOptions): Promise<Engine> {
    return Engine.on(await openCompute(options, createWasmInference, spec.batchSize), spec);
  }

  /** An engine on a backend, which is closed with it if it was made for it. */
  static async on(compute: Compute, spec: EngineSpec): Promise<Engine> {
    try {
      const engine = new Engine(spec, compute);
      const { averages, parameters, shards, shardSize: batch } = engine;
      const sets = averages === undefined ? [parameters] : [parameters, averages];
      const { placed, training } = spec;
      engine.#runner = await openRunner({ ...compute, placed, training, batch, sets, shards });
      return engine;
    } catch (error) {
      if (compute.owned) compute.backend.close();
      throw error;
    }
  }

  private constructor(spec: EngineSpec, { backend, owned }: Compute) {
    const { placed, batchSize, training } = spec;
    const shapes = parameterShapes(placed);
    if (shapes.size === 0) throw new CnnError("INVALID_ARGUMENT", "network: has no layer with parameters");
    const input = placed[0]!.input;
    this.input = input;
    this.backend = backend;
    this.#owned = owned;
    this.names = [...shapes.keys()];
    this.shapes = [...shapes.values()];
    this.parameters = this.shapes.map((shape) => backend.tensor(shape));
    this.averages = training?.averaging ? this.shapes.map((shape) => backend.tensor(shape)) : undefined;
    const pictureSize = sizeOf(input);
    if (batchSize * pictureSize > MOST_VALUES) {
      const asked = `batchSize ${batchSize} asks for ${batchSize * pictureSize} values of pictures at once`;
      throw new CnnError("INVALID_ARGUMENT", `${asked}, more than ${MOST_VALUES}`);
    }
    const size = Math.min(backend.shardSize, batchSize);
    this.shardSize = size;
    this.shards = Array.from({ length: Math.ceil(batchSize / size) }, (_, index) =>
      createShard(backend, {
        index,
        pictures: size,
        input,
        logits: placed.at(-1)!.output,
        parameters: training && this.shapes,
      }),
    );
    this.images = new Float32Array(this.shards.length * size * pictureSize);
    this.labels = new Int32Array(this.shards.length * size).fill(-1);
    this.#uploads = this.shards.flatMap((shard, index): Step<void>[] => {
      const images = this.images.subarray(index * size * pictureSize, (index + 1) * size * pictureSize);
      const labels = this.labels.subarray(index * size, (index + 1) * size);
      const target = shard.training?.labels;
      const write: Step<void> = () => backend.write(shard.input, images);
      return target === undefined ? [write] : [write, () => backend.write(target, labels)];
    });
  }

  /** What takes the shards through the network. */
  get runner(): Runner {
    return this.#runner!;
  }

  /** Copies `images` and `labels` into the shards. */
  upload(): Done {
    return runSteps(this.#uploads, undefined);
  }

  /** Forward, loss and backward of all shards. */
  train(request: TrainRequest): Done {
    // Whoever asks for gradients changes the parameters by them afterwards.
    this.#version++;
    return this.runner.train(request);
  }

  /** Logits of the first `shards` shards with a set of parameters: {@link CURRENT} or {@link AVERAGED}. */
  infer(shards: number, set: number): Done {
    return this.runner.infer({ shards, set, version: this.#version });
  }

  /** Copies values, in the network's order of parameters, into tensors. */
  async write(tensors: readonly Tensor[], values: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.#version++;
    for (const [index, name] of this.names.entries()) await this.backend.write(tensors[index]!, values.get(name)!);
  }

  /** Copies of tensors' values, by the parameters' names. */
  async read(tensors: readonly Tensor[]): Promise<Map<string, Float32Array>> {
    const values = new Map<string, Float32Array>();
    for (const [index, name] of this.names.entries()) values.set(name, await this.backend.read(tensors[index]!));
    return values;
  }

  /** A tensor's values, without a copy or a promise where they are in the CPU's memory. */
  values(tensor: Tensor): Float32Array | Promise<Float32Array> {
    return this.backend.name === "gpu" ? this.backend.read(tensor) : tensor.data;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#runner?.close();
    if (this.#owned) this.backend.close();
  }
}
