import type { Normalisation } from "./dataset.js";
import type { ComputeOptions } from "./fit-options.js";

export interface EvaluateOptions extends ComputeOptions {
  readonly normalisation: Normalisation;
  /** Pictures in flight at once, default 64; no influence on the result. */
  readonly batchSize?: number;
  /** Also shows every picture mirrored and adds both logits; default false. */
  readonly flip?: boolean;
  /** Ends with CnnError ABORTED after the batch at hand. */
  readonly signal?: AbortSignal;
}

export interface ClassResult {
  readonly label: string;
  readonly correct: number;
  readonly total: number;
  /** 0 to 1; 0 where there is no picture of the class. */
  readonly accuracy: number;
}

export interface Evaluation {
  /** 0 to 1. */
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly perClass: readonly ClassResult[];
  /** Number of pictures, [actual class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
}
