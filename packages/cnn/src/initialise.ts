import { fillNormal, fillUniform, STREAMS, type Tensor } from "@cifar/tensor";
import { CnnError } from "./errors.js";
import { checkWord } from "./option.js";
import type { PlacedLayer } from "./place.js";

export interface InitialiseOptions {
  /**
   * `pytorch`: weights and biases uniform within ±1/√(inputs of a neuron), the default of nn.Conv2d and nn.Linear.
   * `he`: weights normal with deviation √(2 / inputs of a neuron), biases 0 (He et al., arXiv:1502.01852).
   */
  readonly method: "pytorch" | "he";
  /** Whole number from 0 to 2^53 − 1. */
  readonly seed: number;
}

/** Draws the parameters of every layer, each from a stream of its own. */
export function initialiseParameters(
  placed: readonly PlacedLayer[],
  parameters: ReadonlyMap<string, Tensor>,
  { method, seed }: InitialiseOptions,
): void {
  checkWord("initialise: method", method, ["pytorch", "he"]);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new CnnError("INVALID_ARGUMENT", `initialise: seed must be a whole number from 0 to 2^53 − 1, not ${seed}`);
  }
  for (const { index, parameters: shapes } of placed) {
    if (shapes === undefined) continue;
    const weight = parameters.get(`${index}.weight`)!.data;
    const bias = parameters.get(`${index}.bias`)!.data;
    const fanIn = weight.length / bias.length;
    const stream = STREAMS.initialWeights + 2 * index;
    if (method === "he") {
      fillNormal(weight, { seed, stream }, 0, Math.sqrt(2 / fanIn));
      bias.fill(0);
    } else {
      const bound = 1 / Math.sqrt(fanIn);
      fillUniform(weight, { seed, stream }, -bound, bound);
      fillUniform(bias, { seed, stream: stream + 1 }, -bound, bound);
    }
  }
}
