import { createPredictor, fit, loadModel, saveModel, weightsDigest } from "@cifar/cnn";
import { createGpuBackend } from "@cifar/tensor/gpu";
import { lossesOf } from "./steps.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./toys.js";

export interface PageRequest {
  /** Left out for what serves by default. */
  readonly backend?: "reference" | "wasm" | "gpu";
  readonly threads: number;
}

export interface PageResult {
  readonly threads: number;
  readonly digest: string;
  readonly labels: readonly string[];
  readonly notices: readonly string[];
}

/** Trains, saves, loads and classifies: the same in a page as in Node. */
export async function trainAndClassify(request: PageRequest): Promise<PageResult> {
  const notices: string[] = [];
  const onNotice = (line: string) => notices.push(line);
  const train = toyPictures({ count: 300 });
  const model = toyNetwork();
  const options = { epochs: 6, batchSize: 32, optimiser: { learningRate: 0.05 }, normalisation: TOY_NORMALISATION };
  let used = 0;
  for await (const event of fit(model, { train }, { ...options, ...request, onNotice })) {
    if (event.type === "start") used = event.threads;
  }
  const file = saveModel(model, { classes: train.classes, normalisation: TOY_NORMALISATION });
  const { model: loaded, card } = loadModel(file);
  const predictor = await createPredictor(loaded, { ...card, ...request, batchSize: 32 });
  const answers = await predictor.classify(toyPictures({ count: 30, seed: 7 }).images);
  predictor.close();
  return { threads: used, digest: weightsDigest(model), labels: answers.map(({ label }) => label), notices };
}

/** The losses of twenty steps on a GPU, or why there are none. */
export async function lossesOnGpu(mode: "webgl2" | "webgpu"): Promise<number[] | string> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
  if (mode === "webgpu" && !(await gpu?.requestAdapter())) return "no adapter for WebGPU";
  const backend = await createGpuBackend({ mode });
  const losses = await lossesOf(backend);
  backend.close();
  return losses;
}
