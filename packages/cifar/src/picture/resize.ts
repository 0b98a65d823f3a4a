import { CifarError } from "../errors.js";
import type { Picture } from "./picture.js";

/**
 * A picture as the network's input: the square in its centre, resized to `side` × `side`. Larger pictures are averaged
 * over the area of each new pixel, smaller ones interpolated in a line between neighbours.
 * @returns side · side · 3 bytes: [height, width, channels]
 * @throws CifarError INVALID_ARGUMENT
 */
export function toInput(picture: Picture, side: number): Uint8Array {
  const { width, height, data } = picture;
  if (!Number.isSafeInteger(side) || side < 1 || data.length !== width * height * 3) {
    throw new CifarError("INVALID_ARGUMENT", `toInput: no ${side}×${side} can be made of ${data.length} bytes`);
  }
  const square = Math.min(width, height);
  const weights = square >= side ? areaWeights(square, side) : linearWeights(square, side);
  const left = Math.floor((width - square) / 2);
  const top = Math.floor((height - square) / 2);

  // Rows first: each source row becomes `side` pixels, which are then weighed into the rows of the result.
  const row = new Float64Array(side * 3);
  const sums = new Float64Array(side * side * 3);
  const columns = invert(weights, square);
  for (let y = 0; y < square; y++) {
    if (columns[y]!.length === 0) continue;
    for (let x = 0; x < side; x++) {
      const { first, values } = weights[x]!;
      let red = 0;
      let green = 0;
      let blue = 0;
      let from = ((top + y) * width + left + first) * 3;
      for (const weight of values) {
        red += weight * data[from]!;
        green += weight * data[from + 1]!;
        blue += weight * data[from + 2]!;
        from += 3;
      }
      row[x * 3] = red;
      row[x * 3 + 1] = green;
      row[x * 3 + 2] = blue;
    }
    for (const { target, weight } of columns[y]!) {
      const to = target * side * 3;
      for (let index = 0; index < row.length; index++) sums[to + index]! += weight * row[index]!;
    }
  }
  return Uint8Array.from(sums, (value) => Math.round(value));
}

/** For one new pixel: the first old one that it takes from, and the share of each from there on; they add up to 1. */
interface Weights {
  readonly first: number;
  readonly values: readonly number[];
}

function areaWeights(from: number, to: number): Weights[] {
  return Array.from({ length: to }, (_, index) => {
    const start = (index * from) / to;
    const end = ((index + 1) * from) / to;
    const first = Math.floor(start);
    const last = Math.min(from, Math.ceil(end));
    const values: number[] = [];
    for (let old = first; old < last; old++) {
      values.push(((Math.min(end, old + 1) - Math.max(start, old)) * to) / from);
    }
    return { first, values };
  });
}

function linearWeights(from: number, to: number): Weights[] {
  return Array.from({ length: to }, (_, index) => {
    const centre = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
    const first = Math.floor(centre);
    const share = centre - first;
    return { first, values: share === 0 ? [1] : [1 - share, share] };
  });
}

/** The same weights seen from the old pixels: which new ones each goes into. */
function invert(weights: readonly Weights[], from: number): { target: number; weight: number }[][] {
  const inverted: { target: number; weight: number }[][] = Array.from({ length: from }, () => []);
  for (const [target, { first, values }] of weights.entries()) {
    for (const [index, weight] of values.entries()) inverted[first + index]!.push({ target, weight });
  }
  return inverted;
}
