import { exp } from "@cifar/tensor";
import { checkNormalisation, type Normalisation } from "./dataset.js";
import { CURRENT, Engine } from "./engine.js";
import { CnnError } from "./errors.js";
import { checkBatchSize, valuesOf } from "./evaluate.js";
import { AS_IT_IS, BOTH_SIDES, inferLogits } from "./evaluation.js";
import type { ComputeOptions } from "./fit-options.js";
import { checkFlag } from "./option.js";
import type { Sequential } from "./sequential.js";

export interface PredictorOptions extends ComputeOptions {
  readonly normalisation: Normalisation;
  readonly classes: readonly string[];
  /** Pictures in flight at once, default 1. */
  readonly batchSize?: number;
  /** Logits are divided by it before the softmax: above 1 for less confident answers; default 1. */
  readonly temperature?: number;
  /** Also looks at every picture mirrored and takes the mean of both logits; default false. */
  readonly flip?: boolean;
  /**
   * Asked after each layer, both while its kernels are made and while it runs, where one thread computes; a promise that it
   * gives is waited for. Kernels are made with the first pictures, which takes some hundred times as long as the next: with
   * this a program answers others meanwhile. Default: all layers in one go.
   */
  readonly breathe?: () => Promise<void> | undefined;
}

export interface Classification {
  readonly label: string;
  /** Probability of `label`. */
  readonly confidence: number;
  /** The most probable first. */
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
}

/** Values of 0 to 255; canvases give clamped ones. */
export type PictureBytes = Uint8Array | Uint8ClampedArray;

/** A network ready to answer. Calls may overlap: they are served one after the other. */
export interface Predictor {
  /** What computes, in one line. */
  readonly description: string;
  readonly threads: number;
  /**
   * @param images any number of pictures, [height, width, channels] bytes each
   * @returns [pictures, classes] probabilities
   * @throws CnnError NOT_FINITE if the network's answer to one of them is NaN or infinite; INVALID_ARGUMENT, SHAPE_MISMATCH,
   * CLOSED, WORKER_FAILED
   */
  predict(images: PictureBytes): Promise<Float32Array>;
  /** @param options `top`: how many classes to name for each picture, default all */
  classify(images: PictureBytes, options?: { readonly top?: number }): Promise<Classification[]>;
  close(): void;
}

/**
 * Makes a network ready to classify; it keeps the weights that the model has now.
 * @throws CnnError SHAPE_MISMATCH, INVALID_ARGUMENT, BACKEND_UNAVAILABLE
 */
export async function createPredictor(model: Sequential, options: PredictorOptions): Promise<Predictor> {
  // Programs in JavaScript may leave them out, and options altogether.
  for (const name of ["normalisation", "classes"] as const) {
    if (options?.[name]) continue;
    throw new CnnError("INVALID_ARGUMENT", `predictor: option ${name} is missing; the card of a model file has it`);
  }
  const { normalisation, classes, batchSize = 1, temperature = 1, flip = false } = options;
  checkNormalisation(normalisation, model.input.at(-1)!);
  if (model.outputShape.length !== 1 || model.outputShape[0] !== classes.length) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `predictor: ${classes.length} classes do not fit the network's output [${model.outputShape.join(", ")}]`,
    );
  }
  if (!(Number.isFinite(temperature) && temperature > 0)) {
    throw new CnnError("INVALID_ARGUMENT", `predictor: temperature must be above 0, not ${temperature}`);
  }
  checkFlag("predictor: flip", flip);
  const { breathe } = options;
  const engine = await Engine.open({ placed: model.placed, batchSize: checkBatchSize(batchSize), breathe }, options);
  await engine.write(engine.parameters, valuesOf(model));
  return new EnginePredictor(engine, {
    normalisation,
    classes,
    temperature: flip ? 2 * temperature : temperature,
    flip,
  });
}

type AnswerOptions = Required<Pick<PredictorOptions, "normalisation" | "classes" | "temperature" | "flip">>;

class EnginePredictor implements Predictor {
  readonly description: string;
  readonly threads: number;
  readonly #engine: Engine;
  readonly #options: AnswerOptions;
  readonly #pictureSize: number;
  /** The call at hand; the engine's buffers hold one batch, so the next call waits for it. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(engine: Engine, options: AnswerOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#pictureSize = engine.input.reduce((size, side) => size * side, 1);
    this.description = engine.backend.description;
    this.threads = engine.runner.threads;
  }

  async predict(pictures: PictureBytes): Promise<Float32Array> {
    const images = bytesOf(pictures);
    const count = images.length / this.#pictureSize;
    if (!Number.isInteger(count) || count === 0) {
      throw new CnnError(
        "SHAPE_MISMATCH",
        `predictor: ${images.length} bytes are no whole number of pictures of [${this.#engine.input.join(", ")}]`,
      );
    }
    const { normalisation, classes, temperature, flip } = this.#options;
    if (this.#closed) throw new CnnError("CLOSED", "predictor: it has been closed");
    const logits = await this.#inTurn(() =>
      inferLogits(this.#engine, {
        images,
        count,
        normalisation,
        set: CURRENT,
        mirrored: flip ? BOTH_SIDES : AS_IT_IS,
      }),
    );
    for (let n = 0; n < count; n++) {
      softmaxInPlace(logits.subarray(n * classes.length, (n + 1) * classes.length), temperature);
    }
    return logits;
  }

  async classify(images: PictureBytes, options: { readonly top?: number } = {}): Promise<Classification[]> {
    const { classes } = this.#options;
    const { top = classes.length } = options;
    if (!Number.isSafeInteger(top) || top < 1) {
      throw new CnnError("INVALID_ARGUMENT", `classify: top must be a whole number of at least 1, not ${top}`);
    }
    const probabilities = await this.predict(images);
    return Array.from({ length: probabilities.length / classes.length }, (_, n) => {
      const ranked = classes
        .map((label, index) => ({ label, probability: probabilities[n * classes.length + index]! }))
        .sort((a, b) => b.probability - a.probability);
      return { label: ranked[0]!.label, confidence: ranked[0]!.probability, classes: ranked.slice(0, top) };
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Only after the call at hand, which is still using the memory.
    void this.#inTurn(() => this.#engine.close());
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** The same memory as the engine takes it. Told by the tag, which holds for arrays of another realm too. */
function bytesOf(images: PictureBytes): Uint8Array {
  const kind = Object.prototype.toString.call(images).slice(8, -1);
  if (kind === "Uint8Array" || kind === "Uint8ClampedArray") {
    return new Uint8Array(images.buffer, images.byteOffset, images.length);
  }
  throw new CnnError("INVALID_ARGUMENT", `predictor: expected pictures as Uint8Array of 0 to 255, not ${kind}`);
}

/** Softmax of logits / temperature, in float64, stable for logits of any size. */
function softmaxInPlace(logits: Float32Array, temperature: number): void {
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (value) => exp((value - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  for (const [index, power] of powers.entries()) logits[index] = power / sum;
}
