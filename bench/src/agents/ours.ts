/** @cifar/cnn as a contestant; see protocol.ts. `--backend NAME` chooses the backend. */
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
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
import type { BackendName } from "@cifar/tensor";
import { enableRevectorization } from "@cifar/tensor/node";
import type { PrepareRequest, PrepareResponse, Request } from "../protocol.js";

const CLASSES = Array.from({ length: 10 }, (_, index) => `class ${index}`);
const NORMALISATION: Normalisation = { mean: [0.4914, 0.4822, 0.4465], deviation: [0.2023, 0.1994, 0.201] };

type Prepared = PrepareResponse & { readonly run: () => Promise<number> };

const { values } = parseArgs({ options: { backend: { type: "string", default: "wasm" } } });
enableRevectorization();

let prepared: Prepared | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if ("prepare" in request) {
    prepared = await (request.prepare.task === "train" ? prepareTraining : prepareInference)(request.prepare);
    answer({ description: `@cifar/cnn ${prepared.description}, Node ${process.version}`, output: prepared.output });
  } else {
    const milliseconds: number[] = [];
    for (let i = 0; i < request.run.iterations; i++) milliseconds.push(await prepared!.run());
    answer({ milliseconds });
  }
}
process.exit(0);

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function load(request: PrepareRequest["prepare"], dropout: number) {
  const model = cifarCnn({ dropout });
  fromPyTorch(decodeSafetensors(await readFile(request.weights)).tensors, model);
  const { tensors } = decodeSafetensors(await readFile(request.input));
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
async function* steps(model: Sequential, data: Dataset, { batch, threads }: PrepareRequest["prepare"]) {
  const events = fit(
    model,
    { train: data },
    {
      epochs: 1_000_000,
      batchSize: batch,
      optimiser: { learningRate: 0.01 },
      normalisation: NORMALISATION,
      backend: values.backend as BackendName,
      threads,
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

async function prepareTraining(request: PrepareRequest["prepare"]): Promise<Prepared> {
  const output: number[] = [];
  const still = await load(request, 0); // without dropout, so that the losses can be compared
  for await (const { loss } of steps(still.model, still.data, request)) if (output.push(loss) === 2) break;
  const { model, data } = await load(request, 0.1);
  const training = steps(model, data, request);
  const { description } = (await training.next()).value!;
  return { description, output, run: async () => (await training.next()).value!.milliseconds };
}

async function prepareInference(request: PrepareRequest["prepare"]): Promise<Prepared> {
  const { model, data } = await load(request, 0.1);
  const predictor = await createPredictor(model, {
    normalisation: NORMALISATION,
    classes: CLASSES,
    batchSize: request.batch,
    backend: values.backend as BackendName,
    threads: request.threads,
  });
  const output = [...(await predictor.predict(data.images))];
  const run = async () => {
    const start = performance.now();
    await predictor.predict(data.images);
    return performance.now() - start;
  };
  return { description: predictor.description, output, run };
}
