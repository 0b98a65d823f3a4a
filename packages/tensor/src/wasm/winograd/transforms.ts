/*
 * The one-dimensional transforms of Winograd's minimal filtering F(4, 3) with the points 0, ±1, ±2 and ∞ (Lavin and Gray:
 * "Fast algorithms for convolutional neural networks", CVPR 2016): y = Aᵀ[(G g) ⊙ (Bᵀ d)] are four outputs of a filter of
 * three taps over six inputs, and B[(G g) ⊙ (A d)] the six outputs that four inputs have a part in. The filter gradient is
 * Gᵀ[(A dy) ⊙ (Bᵀ d)]. In two dimensions each transform is applied to the columns, then to the rows.
 */

/** Pixels along the side of a tile. */
export const TILE = 4;
/** Pixels along the side of a window, and points that either is transformed to: TILE + 3 − 1. */
export const POINTS = 6;

/** factor · value: of an input by its index, or of what a group has computed before. */
export type Term = readonly [factor: number, value: number | "p" | "q"];

/** Outputs that share sums: each is a sum of terms, added from left to right. */
export interface Group {
  readonly p?: readonly Term[];
  readonly q?: readonly Term[];
  readonly outputs: readonly { readonly index: number; readonly terms: readonly Term[] }[];
}

/** A linear map of a few values, in groups small enough that a row of each output at a time stays in registers. */
export interface Transform {
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: readonly Group[];
}

const sum = (...terms: readonly Term[]) => terms;

/** Two outputs p + q and p − q, as the points x and −x give them. */
function pair([plus, minus]: readonly [number, number], p: readonly Term[], q: readonly Term[]): Group {
  const outputs = [
    { index: plus, terms: sum([1, "p"], [1, "q"]) },
    { index: minus, terms: sum([1, "p"], [-1, "q"]) },
  ];
  return { p, q, outputs };
}

/** Bᵀ d: the six values of a window to six points. */
export const windowTransform: Transform = {
  inputs: POINTS,
  outputs: POINTS,
  groups: [
    pair([1, 2], sum([1, 4], [-4, 2]), sum([1, 3], [-4, 1])),
    pair([3, 4], sum([1, 4], [-1, 2]), sum([2, 3], [-2, 1])),
    {
      outputs: [
        { index: 0, terms: sum([4, 0], [-5, 2], [1, 4]) },
        { index: 5, terms: sum([4, 1], [-5, 3], [1, 5]) },
      ],
    },
  ],
};

/** A d: the four values of a tile to six points. */
export const tileTransform: Transform = {
  inputs: TILE,
  outputs: POINTS,
  groups: [
    pair([1, 2], sum([1, 0], [1, 2]), sum([1, 1], [1, 3])),
    pair([3, 4], sum([1, 0], [4, 2]), sum([2, 1], [8, 3])),
    {
      outputs: [
        { index: 0, terms: sum([1, 0]) },
        { index: 5, terms: sum([1, 3]) },
      ],
    },
  ],
};

/** Aᵀ m: six points to the four values of a tile. */
export const gatherTransform: Transform = {
  inputs: POINTS,
  outputs: TILE,
  groups: [
    {
      p: sum([1, 1], [1, 2]),
      q: sum([1, 3], [1, 4]),
      outputs: [
        { index: 0, terms: sum([1, 0], [1, "p"], [1, "q"]) },
        { index: 2, terms: sum([1, "p"], [4, "q"]) },
      ],
    },
    {
      p: sum([1, 1], [-1, 2]),
      q: sum([1, 3], [-1, 4]),
      outputs: [
        { index: 1, terms: sum([1, "p"], [2, "q"]) },
        { index: 3, terms: sum([1, "p"], [8, "q"], [1, 5]) },
      ],
    },
  ],
};

/** B m: six points to the six values of a window. */
export const scatterTransform: Transform = {
  inputs: POINTS,
  outputs: POINTS,
  groups: [
    {
      p: sum([1, 1], [1, 2]),
      q: sum([1, 3], [1, 4]),
      outputs: [
        { index: 2, terms: sum([-5, 0], [-4, "p"], [-1, "q"]) },
        { index: 4, terms: sum([1, 0], [1, "p"], [1, "q"]) },
      ],
    },
    {
      p: sum([1, 1], [-1, 2]),
      q: sum([1, 3], [-1, 4]),
      outputs: [
        { index: 1, terms: sum([4, 5], [-4, "p"], [-2, "q"]) },
        { index: 3, terms: sum([1, "p"], [2, "q"], [-5, 5]) },
      ],
    },
    {
      outputs: [
        { index: 0, terms: sum([4, 0]) },
        { index: 5, terms: sum([1, 5]) },
      ],
    },
  ],
};

/** G g: three taps to six points. */
export const filterTransform: Transform = {
  inputs: 3,
  outputs: POINTS,
  groups: [
    pair([1, 2], sum([-1 / 6, 0], [-1 / 6, 2]), sum([-1 / 6, 1])),
    pair([3, 4], sum([1 / 24, 0], [1 / 6, 2]), sum([1 / 12, 1])),
    {
      outputs: [
        { index: 0, terms: sum([1 / 4, 0]) },
        { index: 5, terms: sum([1, 2]) },
      ],
    },
  ],
};

/** Gᵀ u: six points to the gradients of three taps. */
export const filterGradientTransform: Transform = {
  inputs: POINTS,
  outputs: 3,
  groups: [
    {
      p: sum([1, 1], [1, 2]),
      q: sum([1, 3], [1, 4]),
      outputs: [
        { index: 0, terms: sum([1 / 4, 0], [-1 / 6, "p"], [1 / 24, "q"]) },
        { index: 2, terms: sum([1, 5], [-1 / 6, "p"], [1 / 6, "q"]) },
      ],
    },
    {
      p: sum([1, 2], [-1, 1]),
      q: sum([1, 3], [-1, 4]),
      outputs: [{ index: 1, terms: sum([1 / 6, "p"], [1 / 12, "q"]) }],
    },
  ],
};
