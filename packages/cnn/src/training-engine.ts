import { type Backend, createWasmBackend } from "@cifar/tensor";
import { openCompute } from "./compute.js";
import { Engine, type EngineSpec } from "./engine.js";
import type { ComputeOptions } from "./fit-options.js";
import { trainingOn } from "./training-program.js";

export interface TrainingEngineSpec extends Omit<EngineSpec, "training"> {
  readonly labelSmoothing: number;
  /** Keeps moving averages of the parameters. */
  readonly averaging: boolean;
}

/** An engine that trains, and its backend with all operations: apart from {@link Engine}, so that who infers gets neither. */
export async function openTrainingEngine(
  { placed, batchSize, labelSmoothing, averaging }: TrainingEngineSpec,
  options: ComputeOptions,
): Promise<{ readonly engine: Engine; readonly backend: Backend }> {
  const compute = await openCompute(options, createWasmBackend, batchSize);
  const { backend } = compute;
  const training = { ...trainingOn(backend, { labelSmoothing }), averaging };
  return { engine: await Engine.on(compute, { placed, batchSize, training }), backend };
}
