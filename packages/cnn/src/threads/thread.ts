import {
  createWasmBackend,
  type Region,
  type Shape,
  type WasmBackend,
  type WasmTensor,
  type WebAssemblyMemory,
} from "@cifar/tensor";
import { Lane } from "../lane.js";
import type { PlacedLayer } from "../place.js";
import type { Shard } from "../shard.js";
import { trainingOn } from "../training-program.js";
import { Control } from "./control.js";

/** A tensor of another thread. */
export interface TensorPlace {
  readonly address: number;
  readonly shape: Shape;
}

/** A shard of another thread. */
export interface ShardPlace {
  readonly input: TensorPlace;
  readonly logits: TensorPlace;
  readonly training:
    | {
        readonly labels: TensorPlace;
        readonly losses: TensorPlace;
        readonly gradients: readonly TensorPlace[];
        /** Position in the batch of the shard's first picture. */
        readonly picture: number;
      }
    | undefined;
}

/** What a thread needs to take its part: the first message that it gets. */
export interface ThreadStart {
  readonly memory: WebAssemblyMemory;
  /** Its own part of the memory. */
  readonly region: Region;
  readonly vectors: 2 | 4;
  /** Address of the words through which the threads agree. */
  readonly control: number;
  readonly placed: readonly PlacedLayer[];
  readonly batch: number;
  readonly sets: readonly (readonly TensorPlace[])[];
  readonly shards: readonly ShardPlace[];
  readonly training: { readonly labelSmoothing: number } | undefined;
}

/** Says where a shard lies, for other threads. */
export function placeShard(shard: Shard): ShardPlace {
  const { input, logits, training } = shard;
  return {
    input: placeTensor(input),
    logits: placeTensor(logits),
    training: training && {
      labels: placeTensor(training.labels),
      losses: placeTensor(training.losses),
      gradients: training.gradients.map(placeTensor),
      picture: training.key.picture,
    },
  };
}

/** Says where a tensor of backend `wasm` lies, for other threads. */
export function placeTensor(tensor: { readonly shape: Shape }): TensorPlace {
  return { address: (tensor as WasmTensor).address, shape: tensor.shape };
}

function attachShard(backend: WasmBackend, { input, logits, training }: ShardPlace): Shard {
  const attach = ({ address, shape }: TensorPlace) => backend.tensorAt(address, shape, "float32");
  return {
    input: attach(input),
    logits: attach(logits),
    training: training && {
      labels: backend.tensorAt(training.labels.address, training.labels.shape, "int32"),
      losses: attach(training.losses),
      gradients: training.gradients.map(attach),
      key: { seed: 0, stream: 0, step: 0, picture: training.picture },
      scale: 1,
    },
  };
}

/** The life of a thread: it says that it is there, then turn after turn, until it is terminated. Never returns. */
export function runThread(start: ThreadStart): never {
  const { memory, region, vectors, placed, batch, training } = start;
  const backend = createWasmBackend({ memory, region, vectors });
  const control = new Control(backend, start.control);
  const sets = start.sets.map((set) => set.map(({ address, shape }) => backend.tensorAt(address, shape, "float32")));
  const shards = start.shards.map((shard) => attachShard(backend, shard));
  const lane = new Lane({ placed, backend, batch, sets, training: training && trainingOn(backend, training) });
  control.finish();
  for (let turn = 0; ; ) {
    turn = control.awaitTurn(turn);
    takePart({ control, lane, shards });
    control.finish();
  }
}

/** Takes shards of the turn at hand as long as there are any. Backend `wasm` never makes anybody wait. */
export function takePart(part: {
  readonly control: Control;
  readonly lane: Lane;
  readonly shards: readonly Shard[];
}): void {
  const { control, lane, shards } = part;
  let index = control.claim();
  if (index === undefined) return;
  if (control.command === "train") {
    const request = control.readTraining();
    lane.beginTraining(request);
    for (; index !== undefined; index = control.claim()) lane.train(shards[index]!, request);
  } else {
    lane.beginInference(control.readInference());
    for (; index !== undefined; index = control.claim()) lane.infer(shards[index]!);
  }
}
