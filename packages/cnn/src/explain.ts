import { type Backend, createWasmBackend, type Shape, type Tensor } from "@cifar/tensor";
import { openCompute } from "./compute.js";
import { checkNormalisation, type Normalisation } from "./dataset.js";
import { CnnError } from "./errors.js";
import { classesOf } from "./evaluate.js";
import { checkLogits } from "./evaluation.js";
import { allFinite } from "./finite.js";
import type { ComputeOptions } from "./fit-options.js";
import { type GradientSlot, makeGradientOperations } from "./gradients.js";
import { PictureWriter } from "./pictures.js";
import type { PlacedLayer } from "./place.js";
import type { Sequential } from "./sequential.js";
import type { Shard } from "./shard.js";
import { runSteps, type Step } from "./steps.js";

export interface ExplainOptions extends Omit<ComputeOptions, "threads" | "onNotice"> {
  readonly normalisation: Normalisation;
  /** Which class to explain; default: the one with the largest logit. */
  readonly label?: number;
}

/** Values at each place of a picture, or of what a layer makes of it. */
export interface PlaceMap {
  readonly height: number;
  readonly width: number;
  /** Where in the picture the first place of a row or column has its centre, in pixels from the edge: below 0 outside. */
  readonly start: number;
  /** From one place to the next, in pixels. */
  readonly step: number;
  /** As [height, width]; above 0 for what speaks for the class, below 0 for what speaks against it. */
  readonly values: Float32Array;
}

/**
 * Why a network says what it says. All is about the score of a class: its logit less the mean of all logits, since what
 * all classes have in common changes no probability.
 */
export interface Explanation {
  readonly logits: Float32Array;
  /** The class that is explained. */
  readonly label: number;
  readonly score: number;
  /** Gradient of the score with respect to the normalised picture: [height, width, channels]. */
  readonly gradient: Float32Array;
  /** Gradient × normalised picture, summed over its channels. */
  readonly saliency: PlaceMap;
  /**
   * Gradient × activation of the last convolution, after its ReLU, summed over its filters (HiResCAM, Draelos & Carin,
   * arXiv:2011.08891). Where only max-pooling and one linear layer follow, as in the CIFAR network, the values add up to
   * the score less the linear layer's bias: each is exactly what its place adds to it. Grad-CAM's mean over places would
   * lose that.
   */
  readonly contributions: PlaceMap;
}

/**
 * Explains what a network says to one picture.
 * @param picture [height, width, channels] bytes
 * @throws CnnError NOT_FINITE if the network's answer or its gradient is NaN or infinite; SHAPE_MISMATCH,
 * INVALID_ARGUMENT, BACKEND_UNAVAILABLE
 */
export async function explain(model: Sequential, picture: Uint8Array, options: ExplainOptions): Promise<Explanation> {
  const classes = classesOf(model);
  const { normalisation, label } = options;
  const [height = 0, width = 0, channels = 0] = model.input;
  if (model.input.length !== 3 || picture.length !== height * width * channels) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `explain: ${picture.length} bytes are no picture of [${model.input.join(", ")}]`,
    );
  }
  checkNormalisation(normalisation, channels);
  if (label !== undefined && !(Number.isSafeInteger(label) && label >= 0 && label < classes)) {
    throw new CnnError("INVALID_ARGUMENT", `explain: label must be from 0 to ${classes - 1}, not ${label}`);
  }
  const { backend, owned } = await openCompute({ ...options, threads: 1 }, createWasmBackend);
  try {
    const placed = model.placed.filter(({ layer }) => layer.type !== "dropout");
    const pass = new Pass(model, placed, backend);
    const input = new Float32Array(picture.length);
    const placement = { picture: 0, slot: 0, mirrored: false, down: 0, right: 0 };
    new PictureWriter(model.input, normalisation).write(picture, input, placement);
    const logits = await pass.forward(input);
    checkLogits(logits, 0, classes);
    const explained = label ?? logits.indexOf(logits.reduce((most, value) => Math.max(most, value)));
    await pass.backward(Float32Array.from(logits, (_, index) => (index === explained ? 1 : 0) - 1 / classes));
    const { gradient } = await pass.before(0);
    const features = await pass.before(pass.features);
    if (!allFinite(gradient) || !allFinite(features.gradient)) {
      throw new CnnError(
        "NOT_FINITE",
        "explain: the network's gradient is not finite: its weights are too large to compute with",
      );
    }
    const [rows = 0, columns = 0] = placed[pass.features - 1]?.output ?? model.input;
    return {
      logits,
      label: explained,
      score: logits[explained]! - logits.reduce((sum, value) => sum + value, 0) / classes,
      gradient,
      saliency: { height, width, start: 0.5, step: 1, values: weigh(input, gradient, height * width) },
      contributions: {
        height: rows,
        width: columns,
        ...placesOf(placed.slice(0, pass.features)),
        values: weigh(features.values, features.gradient, rows * columns),
      },
    };
  } finally {
    if (owned) backend.close();
  }
}

/** Where layers look: the centre of what their first place sees of the picture, and how far the next one is. */
function placesOf(layers: readonly PlacedLayer[]): { readonly start: number; readonly step: number } {
  let start = 0.5;
  let step = 1;
  for (const { layer } of layers) {
    if (layer.type === "conv2d") start += step * ((layer.kernel - 1) / 2 - layer.padding);
    else if (layer.type === "maxPool2d") start += step * ((layer.size - 1) / 2);
    else continue;
    step *= layer.stride;
  }
  return { start, step };
}

/** Sum over the channels of value × gradient at each place. */
function weigh(values: Float32Array, gradient: Float32Array, places: number): Float32Array {
  const channels = values.length / places;
  return Float32Array.from({ length: places }, (_, place) => {
    let sum = 0;
    for (let at = place * channels; at < (place + 1) * channels; at++) sum += values[at]! * gradient[at]!;
    return sum;
  });
}

/** One picture's way through a network and back, without dropout; every layer keeps its values and their gradient. */
class Pass {
  readonly #backend: Backend;
  readonly #placed: readonly PlacedLayer[];
  /** What stands before each layer, and after the last one. */
  readonly #slots: readonly PassSlot[];
  readonly #shard: Shard;
  readonly #parameters: readonly (readonly [Tensor, Float32Array])[];
  readonly #forward: Step<Shard>[] = [];
  readonly #backward: Step<Shard>[] = [];
  readonly #prepare: Step<readonly Tensor[]>[] = [];

  constructor(model: Sequential, placed: readonly PlacedLayer[], backend: Backend) {
    this.#backend = backend;
    this.#placed = placed;
    const slots = [makeSlot(backend, model.input)];
    // Flattening changes no value: what comes after it is what was before.
    for (const { layer, output } of placed)
      slots.push(layer.type === "flatten" ? slots.at(-1)! : makeSlot(backend, output));
    this.#slots = slots;
    this.#shard = { input: slots[0]!.tensor, logits: slots.at(-1)!.tensor, training: undefined };
    this.#parameters = [...model.parameters.values()].map(({ shape, data }) => [backend.tensor(shape), data]);
    const names = [...model.parameters.keys()];
    for (const [position, layer] of placed.entries()) {
      const { prepare, forward, backward } = makeGradientOperations(backend, {
        ...layer,
        batch: 1,
        from: slots[position]!,
        to: slots[position + 1]!,
        trained: false,
        passesOn: true,
        parameter: names.indexOf(`${layer.index}.weight`),
        fused: false,
      });
      if (prepare !== undefined) this.#prepare.push(prepare);
      if (forward !== undefined) this.#forward.push(forward);
      this.#backward.unshift(...backward);
    }
  }

  /** Logits of a normalised picture. */
  async forward(input: Float32Array): Promise<Float32Array> {
    for (const [tensor, values] of this.#parameters) await this.#backend.write(tensor, values);
    await runSteps(
      this.#prepare,
      this.#parameters.map(([tensor]) => tensor),
    );
    await this.#backend.write(this.#shard.input, input);
    await runSteps(this.#forward, this.#shard);
    return this.#backend.read(this.#shard.logits);
  }

  /** Takes the gradient with respect to the logits back to the picture. */
  async backward(gradient: Float32Array): Promise<void> {
    await this.#backend.write(this.#slots.at(-1)!.gradient, gradient);
    await runSteps(this.#backward, this.#shard);
  }

  /** What stood before a layer, and the gradient with respect to it. */
  async before(position: number): Promise<{ readonly values: Float32Array; readonly gradient: Float32Array }> {
    const { tensor, gradient } = this.#slots[position]!;
    return { values: await this.#backend.read(tensor), gradient: await this.#backend.read(gradient) };
  }

  /** Number of layers up to the last convolution and the ReLU after it; 0, the picture itself, without any. */
  get features(): number {
    const convolution = this.#placed.findLastIndex(({ layer }) => layer.type === "conv2d");
    return convolution + (this.#placed[convolution + 1]?.layer.type === "relu" ? 2 : 1);
  }
}

interface PassSlot extends GradientSlot {
  readonly tensor: Tensor;
  readonly gradient: Tensor;
}

function makeSlot(backend: Backend, shape: Shape): PassSlot {
  const tensor = backend.tensor([1, ...shape]);
  return { tensor, values: () => tensor, gradient: backend.tensor([1, ...shape]) };
}
