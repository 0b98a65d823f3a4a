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

  // Rows first: each source row becomes `side` pixels, which are then weighed into the rows of the result. As many source
  // rows are kept as one of those takes, each in the place of one that is done with.
  const { first, taps, values } = weights;
  const rowLength = side * 3;
  const rows = new Float64Array(taps * rowLength);
  const sums = new Float64Array(rowLength);
  const input = new Uint8Array(side * rowLength);
  let next = 0;
  for (let y = 0; y < side; y++) {
    for (const end = Math.min(first[y]! + taps, square); next < end; next++) {
      const from = ((top + next) * width + left) * 3;
      shrinkRow(data, { from, weights, rows, to: (next % taps) * rowLength });
    }
    sums.fill(0);
    for (let tap = 0; tap < taps; tap++) {
      const weight = values[y * taps + tap]!;
      // Beyond the last weight there may be no row any more.
      if (weight === 0) break;
      const row = ((first[y]! + tap) % taps) * rowLength;
      for (let index = 0; index < rowLength; index++) sums[index]! += weight * rows[row + index]!;
    }
    for (let index = 0; index < rowLength; index++) input[y * rowLength + index] = Math.round(sums[index]!);
  }
  return input;
}

/** Weighs the pixels of a row into fewer, or more. */
function shrinkRow(
  data: Uint8Array,
  row: { readonly from: number; readonly weights: Weights; readonly rows: Float64Array; readonly to: number },
): void {
  const { from, rows, weights } = row;
  const { first, taps, values } = weights;
  let { to } = row;
  for (let x = 0; x < first.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let pixel = from + first[x]! * 3;
    for (let tap = x * taps; tap < (x + 1) * taps; tap++) {
      const weight = values[tap]!;
      // Beyond the last weight there may be no pixel any more.
      if (weight === 0) break;
      red += weight * data[pixel]!;
      green += weight * data[pixel + 1]!;
      blue += weight * data[pixel + 2]!;
      pixel += 3;
    }
    rows[to] = red;
    rows[to + 1] = green;
    rows[to + 2] = blue;
    to += 3;
  }
}

/** Shares of old pixels in each new one; they add up to 1. */
interface Weights {
  /** The first old pixel of each new one. */
  readonly first: Int32Array;
  /** Most old pixels of a new one. */
  readonly taps: number;
  /** [new pixel][tap], from the first old pixel on; 0 after the last. */
  readonly values: Float64Array;
}

function areaWeights(from: number, to: number): Weights {
  const taps = Math.ceil(from / to) + 1;
  const first = new Int32Array(to);
  const values = new Float64Array(to * taps);
  for (let index = 0; index < to; index++) {
    const start = (index * from) / to;
    const end = ((index + 1) * from) / to;
    first[index] = Math.floor(start);
    const last = Math.min(from, Math.ceil(end));
    for (let old = first[index]!; old < last; old++) {
      const share = ((Math.min(end, old + 1) - Math.max(start, old)) * to) / from;
      values[index * taps + old - first[index]!] = share;
    }
  }
  return { first, taps, values };
}

function linearWeights(from: number, to: number): Weights {
  const first = new Int32Array(to);
  const values = new Float64Array(to * 2);
  for (let index = 0; index < to; index++) {
    const centre = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
    first[index] = Math.floor(centre);
    const share = centre - first[index]!;
    values[index * 2] = 1 - share;
    values[index * 2 + 1] = share;
  }
  return { first, taps: 2, values };
}
