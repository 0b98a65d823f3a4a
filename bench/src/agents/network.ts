import {
  cifarCnn,
  createPredictor,
  type Dataset,
  decodeSafetensors,
  fit,
  fromPyTorch,
  type Normalisation,
  type Sequential,
} from "@cifar/cnn";
import type { Backend, BackendName } from "@cifar/tensor";
import { createGpuBackend, type GpuMode } from "@cifar/tensor/gpu";
import type { PrepareResponse, Task } from "../protocol.js";

const CLASSES = Array.from({ length: 10 }, (_, index) => `class ${index}`);
const NORMALISATION: Normalisation = { mean: [0.4914, 0.4822, 0.4465], deviation: [0.2023, 0.1994, 0.201] };

/** What @cifar/cnn is to compute with, in Node or in a page. */
export interface NetworkRequest {
  readonly task: Task;
  readonly batch: number;
  readonly threads: number;
  /** Name of a backend, or `gpu:` and a mode of gpu.js. */
  readonly backend: string;
  /** Files of the task: see `PrepareRequest`. */
  readonly weights: Uint8Array;
  readonly input: Uint8Array;
}

/** Something to be timed: each run gives its milliseconds. */
export type Prepared = PrepareResponse & { readonly run: () => Promise<number> };

/** Sets up the network in our engine and runs it once. */
export async function prepareNetwork(request: NetworkRequest): Promise<Prepared> {
  const compute = { backend: await openBackend(request.backend), threads: request.threads };
  return request.task === "train" ? prepareTraining(request, compute) : prepareInference(request, compute);
}

interface Compute {
  readonly backend: Backend | BackendName;
  readonly threads: number;
}

async function openBackend(name: string): Promise<Backend | BackendName> {
  const [backend, mode] = name.split(":");
  return mode === undefined ? (backend as BackendName) : createGpuBackend({ mode: mode as GpuMode });
}

function load({ weights, input }: NetworkRequest, dropout: number): { model: Sequential; data: Dataset } {
  const model = cifarCnn({ dropout });
  fromPyTorch(decodeSafetensors(weights).tensors, model);
  const { tensors } = decodeSafetensors(input);
  const images = Uint8Array.from(tensors.get("pixels")!.data as ArrayLike<number>);
  const labels = Uint8Array.from(tensors.get("labels")!.data as ArrayLike<number>);
  const data: Dataset = {
    name: "benchmark",
    images,
    labels,
    shape: [32, 32, 3],
    classes: CLASSES,
    count: labels.length,
  };
  return { model, data };
}

/** Steps of the mission's recipe on one batch, its own input pipeline included. */
async function* steps({ model, data }: ReturnType<typeof load>, batchSize: number, compute: Compute) {
  const events = fit(
    model,
    { train: data },
    {
      ...compute,
      epochs: 1_000_000,
      batchSize,
      optimiser: { learningRate: 0.01 },
      normalisation: NORMALISATION,
    },
  );
  let description = "";
  let start = performance.now();
  for await (const event of events) {
    if (event.type === "start") description = event.backend;
    if (event.type !== "step") continue;
    yield { milliseconds: performance.now() - start, loss: event.loss, description };
    start = performance.now();
  }
}

async function prepareTraining(request: NetworkRequest, compute: Compute): Promise<Prepared> {
  const output: number[] = [];
  const still = load(request, 0); // without dropout, so that the losses can be compared
  for await (const { loss } of steps(still, request.batch, compute)) if (output.push(loss) === 2) break;
  const training = steps(load(request, 0.1), request.batch, compute);
  const { description } = (await training.next()).value!;
  return { description, output, run: async () => (await training.next()).value!.milliseconds };
}

async function prepareInference(request: NetworkRequest, compute: Compute): Promise<Prepared> {
  const { model, data } = load(request, 0.1);
  const predictor = await createPredictor(model, {
    ...compute,
    normalisation: NORMALISATION,
    classes: CLASSES,
    batchSize: request.batch,
  });
  const output = [...(await predictor.predict(data.images))];
  const run = async () => {
    const start = performance.now();
    await predictor.predict(data.images);
    return performance.now() - start;
  };
  return { description: predictor.description, output, run };
}
