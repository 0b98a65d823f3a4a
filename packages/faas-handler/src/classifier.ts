import { Problem } from "./problem.js";

/** [height, width, channels] of the pictures that a network takes. */
export type PictureShape = readonly [height: number, width: number, channels: number];

/** What the function tells of its model: JSON-able, `accuracy` measured on the test set or null where it never was. */
export interface Card {
  readonly accuracy: number | null;
  readonly [field: string]: unknown;
}

/** How many pictures are computed together: from `fewest` on as many as there are, up to `most`; fewer one by one. */
export interface Batch {
  readonly fewest: number;
  readonly most: number;
}

/** Where pictures together are not faster. */
export const ONE_BY_ONE: Batch = { fewest: 1, most: 1 };

/** What the function needs of a network. */
export interface Classifier {
  readonly classes: readonly string[];
  readonly shape: PictureShape;
  readonly card: Card;
  readonly batch: Batch;
  /**
   * Takes n pictures one after the other, bytes 0 to 255, row by row, channels last ([n, height, width, channels]).
   * @returns n × classes probabilities
   * @throws Problem no-answer, or gives NaN, where the network has no answer to a picture
   */
  predict(pictures: Uint8Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Bytes of one picture. */
export function pictureSize(shape: PictureShape): number {
  return shape[0] * shape[1] * shape[2];
}

export interface Classification {
  readonly label: string;
  /** The probability of `label`. */
  readonly confidence: number;
  /** The most probable first. */
  readonly classes: readonly { readonly label: string; readonly probability: number }[];
}

/** The refusal for a picture to which the network has no answer: JSON has no NaN, and null would be taken for one. */
export function noAnswer(cause?: unknown): Problem {
  return new Problem(
    "no-answer",
    "The model's answer to a picture is not a number: its weights are too large to compute with.",
    {
      cause,
    },
  );
}

/** Six digits tell apart what float32 can and keep answers short. */
function rounded(probability: number): number {
  return Math.round(probability * 1e6) / 1e6;
}

/** Names and orders the probabilities of one picture, the `top` most probable of them. */
export function describe(probabilities: Float32Array, classes: readonly string[], top: number): Classification {
  const sorted = classes
    .map((label, index) => ({ label, probability: probabilities[index]! }))
    .sort((a, b) => b.probability - a.probability)
    // After sorting: rounded alike, the second would come before the first.
    .map(({ label, probability }) => ({ label, probability: rounded(probability) }));
  const first = sorted[0]!;
  return { label: first.label, confidence: first.probability, classes: sorted.slice(0, top) };
}

/** Index of the largest probability of picture `picture`; the first of equals. */
export function argmax(probabilities: Float32Array, picture: number, classes: number): number {
  const at = picture * classes;
  let best = 0;
  for (let index = 1; index < classes; index++) {
    if (probabilities[at + index]! > probabilities[at + best]!) {
      best = index;
    }
  }
  return best;
}
