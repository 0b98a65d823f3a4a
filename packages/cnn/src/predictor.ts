import type { Normalisation } from "./dataset.js";
import type { ComputeOptions } from "./fit-options.js";

export interface PredictorOptions extends ComputeOptions {
  readonly normalisation: Normalisation;
  readonly classes: readonly string[];
  /** Pictures in flight at once, default 1. */
  readonly batchSize?: number;
  /** Logits are divided by it before the softmax: above 1 for less confident answers; default 1. */
  readonly temperature?: number;
}

export interface Classification {
  readonly label: string;
  /** Probability of `label`. */
  readonly confidence: number;
  /** The most probable first. */
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
}

/** A network ready to answer. */
export interface Predictor {
  /** What computes, in one line. */
  readonly description: string;
  /**
   * @param images any number of pictures, [height, width, channels] bytes each
   * @returns [pictures, classes] probabilities
   */
  predict(images: Uint8Array): Promise<Float32Array>;
  /** @param options `top`: how many classes to name for each picture, default all */
  classify(images: Uint8Array, options?: { readonly top?: number }): Promise<Classification[]>;
  close(): void;
}
