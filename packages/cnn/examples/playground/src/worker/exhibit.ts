import type { Dataset, ModelCard, Sequential } from "@cifar/cnn";
import type { View } from "../protocol.js";
import { Lens } from "./lens.js";

/** Pictures that are measured together. */
const BATCH = 20;

/** A network with its card: what the page shows, classifies with and saves. */
export class Exhibit {
  readonly model: Sequential;
  readonly card: ModelCard;
  /** For the one picture that is looked at. */
  readonly #near: Lens;
  /** For measuring with many. */
  readonly #wide: Lens;

  private constructor(model: Sequential, card: ModelCard, lenses: { readonly near: Lens; readonly wide: Lens }) {
    this.model = model;
    this.card = card;
    this.#near = lenses.near;
    this.#wide = lenses.wide;
  }

  static async open(model: Sequential, card: ModelCard): Promise<Exhibit> {
    return new Exhibit(model, card, { near: await Lens.open(model, 1), wide: await Lens.open(model, BATCH) });
  }

  /** @param picture [height, width, channels] bytes; without it only the filters are shown */
  view(picture: Uint8Array | undefined): View {
    const filters = filtersOf(this.model);
    if (picture === undefined) return { filters, stages: [], answer: [] };
    const { normalisation, temperature = 1, classes } = this.card;
    this.#near.focus(this.model);
    const logits = this.#near.look(picture, normalisation);
    const probabilities = softmax(logits, temperature);
    const answer = classes.map((label, index) => ({ label, probability: probabilities[index]! }));
    return {
      filters,
      stages: this.#near.stages(),
      answer: answer.sort((a, b) => b.probability - a.probability),
    };
  }

  /**
   * @param most how many pictures at most, taken from the beginning
   * @returns part of the pictures that are classified right, 0 to 1, and how many were looked at
   */
  measure(test: Dataset, most: number): { readonly accuracy: number; readonly pictures: number } {
    this.#wide.focus(this.model);
    const pictures = Math.min(most, test.count);
    const size = test.images.length / test.count;
    const classes = this.card.classes.length;
    let right = 0;
    for (let from = 0; from < pictures; from += BATCH) {
      const to = Math.min(from + BATCH, pictures);
      const logits = this.#wide.look(test.images.subarray(from * size, to * size), this.card.normalisation);
      for (let n = from; n < to; n++) {
        const own = logits.subarray((n - from) * classes, (n - from + 1) * classes);
        if (own.indexOf(Math.max(...own)) === test.labels[n]) right++;
      }
    }
    return { accuracy: right / pictures, pictures };
  }

  close(): void {
    this.#near.close();
    this.#wide.close();
  }
}

/** Weights of the first convolution. */
function filtersOf({ layers, parameters }: Sequential): View["filters"] {
  const index = layers.findIndex(({ type }) => type === "conv2d");
  const layer = layers[index];
  if (layer?.type !== "conv2d") return { kernel: 0, count: 0, values: new Float32Array() };
  return { kernel: layer.kernel, count: layer.filters, values: parameters.get(`${index}.weight`)!.data.slice() };
}

function softmax(logits: Float32Array, temperature: number): number[] {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp((value - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
