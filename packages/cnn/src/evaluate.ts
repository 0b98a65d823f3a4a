import { checkDataset, checkNormalisation, type Dataset, type Normalisation } from "./dataset.js";
import { CURRENT, Engine } from "./engine.js";
import { CnnError } from "./errors.js";
import { AS_IT_IS, BOTH_SIDES, type Evaluation, inferLogits, MIRRORED, summariseLogits } from "./evaluation.js";
import type { ComputeOptions } from "./fit-options.js";
import { checkFlag } from "./option.js";
import type { Sequential } from "./sequential.js";

export interface EvaluateOptions extends ComputeOptions {
  readonly normalisation: Normalisation;
  /** Pictures in flight at once, default 64; no influence on the result. */
  readonly batchSize?: number;
  /** Also shows every picture mirrored and adds both logits; default false. */
  readonly flip?: boolean;
  /** Ends with CnnError ABORTED after the batch at hand. */
  readonly signal?: AbortSignal;
}

/**
 * Classifies every picture of a data set and compares with its labels.
 * @throws CnnError NOT_FINITE if the network's answer to a picture is NaN or infinite; SHAPE_MISMATCH, INVALID_ARGUMENT,
 * BACKEND_UNAVAILABLE, ABORTED, WORKER_FAILED
 */
export async function evaluate(model: Sequential, dataset: Dataset, options: EvaluateOptions): Promise<Evaluation> {
  const { flip = false } = options;
  checkFlag("evaluate: flip", flip);
  const [logits] = await infer(model, dataset, options, [flip ? BOTH_SIDES : AS_IT_IS]);
  // The sum of two logits asks for the softmax of their mean.
  return summariseLogits(flip ? logits!.map((value) => value / 2) : logits!, dataset);
}

export type LogitsOptions = Omit<EvaluateOptions, "flip">;

/**
 * What a network says to every picture of a data set, for {@link summariseLogits}, `fitTemperature` and `calibration`.
 * @returns [pictures, classes]
 * @throws CnnError NOT_FINITE if the network's answer to a picture is NaN or infinite; SHAPE_MISMATCH, INVALID_ARGUMENT,
 * BACKEND_UNAVAILABLE, ABORTED, WORKER_FAILED
 */
export async function predictLogits(
  model: Sequential,
  dataset: Dataset,
  options: LogitsOptions,
): Promise<Float32Array> {
  const [logits] = await infer(model, dataset, options, [AS_IT_IS]);
  return logits!;
}

/** [pictures, classes] each. */
export interface LogitsOfBothSides {
  readonly asItIs: Float32Array;
  readonly mirrored: Float32Array;
}

/**
 * {@link predictLogits} of every picture as it is and of its mirror image.
 * @throws CnnError NOT_FINITE if the network's answer to a picture is NaN or infinite; SHAPE_MISMATCH, INVALID_ARGUMENT,
 * BACKEND_UNAVAILABLE, ABORTED, WORKER_FAILED
 */
export async function predictBothSides(
  model: Sequential,
  dataset: Dataset,
  options: LogitsOptions,
): Promise<LogitsOfBothSides> {
  const [asItIs, mirrored] = await infer(model, dataset, options, [AS_IT_IS, MIRRORED]);
  return { asItIs: asItIs!, mirrored: mirrored! };
}

/** Logits for each way to look at the pictures, all through one engine: its memory is the run's largest part. */
async function infer(
  model: Sequential,
  dataset: Dataset,
  options: LogitsOptions,
  looks: readonly (readonly boolean[])[],
): Promise<Float32Array[]> {
  const { normalisation, batchSize = 64, signal } = options;
  checkDataset(dataset, { input: model.input, outputs: classesOf(model) });
  checkNormalisation(normalisation, dataset.shape[2]);
  const engine = await Engine.open({ placed: model.placed, batchSize: checkBatchSize(batchSize) }, options);
  try {
    await engine.write(engine.parameters, valuesOf(model));
    const { images, count } = dataset;
    const logits: Float32Array[] = [];
    for (const mirrored of looks) {
      logits.push(await inferLogits(engine, { images, count, normalisation, set: CURRENT, mirrored, signal }));
    }
    return logits;
  } finally {
    engine.close();
  }
}

/**
 * Number of classes that a network tells apart.
 * @throws CnnError SHAPE_MISMATCH if its output is not a row of values
 */
export function classesOf(model: Pick<Sequential, "outputShape">): number {
  const [classes] = model.outputShape;
  if (classes !== undefined && model.outputShape.length === 1) return classes;
  throw new CnnError(
    "SHAPE_MISMATCH",
    `network: its output [${model.outputShape.join(", ")}] is no row of classes, put flatten() after it`,
  );
}

/** The parameters' values by name. */
export function valuesOf(model: Pick<Sequential, "parameters">): Map<string, Float32Array> {
  return new Map([...model.parameters].map(([name, { data }]) => [name, data]));
}

export function checkBatchSize(batchSize: number): number {
  if (Number.isSafeInteger(batchSize) && batchSize >= 1) return batchSize;
  throw new CnnError("INVALID_ARGUMENT", `batchSize must be a whole number of at least 1, not ${batchSize}`);
}
