import { CnnError } from "./errors.js";
import { listed } from "./printable.js";

/** Labelled pictures in one typed array, no object a picture. */
export interface Dataset {
  /** Such as `CIFAR-10 train`; reports show it. */
  readonly name: string;
  /** Bytes of all pictures one after the other, each [height, width, channels]: count · h · w · c values. */
  readonly images: Uint8Array;
  /** Index into `classes` for each picture; a `Uint8Array` holds 256 classes at most. */
  readonly labels: Uint8Array | Int32Array;
  /** [height, width, channels] of one picture. */
  readonly shape: readonly [number, number, number];
  readonly classes: readonly string[];
  /** Number of pictures. */
  readonly count: number;
  /** Where each picture comes from, such as a path below the data's folder; reports name it. */
  readonly files?: readonly string[];
}

/** Classes that labels of one byte tell apart. */
export const BYTE_LABELS = 256;

/** For each channel on a scale of 0 to 1: a value v becomes (v / 255 − mean) / deviation. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/**
 * Pictures `from` up to but not including `to`; shares memory with the whole.
 * @throws CnnError INVALID_ARGUMENT if the range leaves the data set
 */
export function subset(dataset: Dataset, from: number, to: number): Dataset {
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to && to <= dataset.count)) {
    throw new CnnError(
      "INVALID_ARGUMENT",
      `subset: ${from} to ${to} is no range of the ${dataset.count} pictures of ${dataset.name}`,
    );
  }
  const size = pictureSize(dataset);
  return {
    ...dataset,
    images: dataset.images.subarray(from * size, to * size),
    labels: dataset.labels.subarray(from, to),
    ...(dataset.files !== undefined && { files: dataset.files.slice(from, to) }),
    count: to - from,
  };
}

/** Number of bytes of one picture. */
export function pictureSize(dataset: Pick<Dataset, "shape">): number {
  const [height, width, channels] = dataset.shape;
  return height * width * channels;
}

/**
 * Throws unless a data set holds what it says and its pictures fit the network.
 * @throws CnnError SHAPE_MISMATCH, INVALID_ARGUMENT
 */
export function checkDataset(dataset: Dataset, network: { input: readonly number[]; outputs: number }): void {
  const { name, shape, count, classes } = dataset;
  if (shape.length !== network.input.length || shape.some((side, index) => side !== network.input[index])) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `${name}: pictures are [${shape.join(", ")}], the network expects [${network.input.join(", ")}]`,
    );
  }
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    const found = count === 0 ? "holds no picture" : `count must be a whole number of at least 1, not ${count}`;
    throw new CnnError("INVALID_ARGUMENT", `${name}: ${found}`);
  }
  if (dataset.images.length !== count * pictureSize(dataset) || dataset.labels.length !== count) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `${name}: ${count} pictures take ${count * pictureSize(dataset)} bytes and ${count} labels, ` +
        `but there are ${dataset.images.length} and ${dataset.labels.length}`,
    );
  }
  if (dataset.files !== undefined && dataset.files.length !== count) {
    throw new CnnError("SHAPE_MISMATCH", `${name}: ${count} pictures, but ${dataset.files.length} names of files`);
  }
  if (dataset.labels instanceof Uint8Array && classes.length > BYTE_LABELS) {
    // Labels from 256 on would have been cut to their last 8 bits without a word.
    throw new CnnError(
      "INVALID_ARGUMENT",
      `${name}: labels in a Uint8Array tell ${BYTE_LABELS} classes apart, not ${classes.length}: use an Int32Array`,
    );
  }
  if (classes.length !== network.outputs) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `${name}: has ${classes.length} classes, the network has ${network.outputs} outputs`,
    );
  }
  for (let n = 0; n < count; n++) {
    const label = dataset.labels[n]!;
    if (label >= 0 && label < classes.length) continue;
    throw new CnnError("INVALID_ARGUMENT", `${name}: picture ${n} has label ${label} of ${classes.length} classes`);
  }
}

/**
 * Throws unless there are a mean and a positive deviation for every channel.
 * @throws CnnError INVALID_ARGUMENT
 */
export function checkNormalisation(normalisation: Normalisation, channels: number): void {
  const { mean, deviation } = Object(normalisation) as Normalisation;
  const good =
    mean?.length === channels &&
    deviation?.length === channels &&
    mean.every((value) => Number.isFinite(value)) &&
    deviation.every((value) => Number.isFinite(value) && value > 0);
  if (good) return;
  // One number or none at all is what programs in JavaScript give at times.
  const given = [mean, deviation].map((values) => listed([values ?? []].flat())).join(" and ");
  throw new CnnError(
    "INVALID_ARGUMENT",
    `normalisation: expected ${channels} means and ${channels} deviations above 0, not ${given}`,
  );
}
