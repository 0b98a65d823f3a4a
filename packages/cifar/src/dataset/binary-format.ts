import type { Dataset } from "@cifar/cnn";
import { CifarError } from "../errors.js";

/** Side of a picture. */
const SIDE = 32;
const PIXELS = SIDE * SIDE;

/** Values of one picture. */
export const PICTURE_BYTES = PIXELS * 3;

/** Bytes of one record: the label, then the red, green and blue plane, each row by row. */
export const RECORD_BYTES = 1 + PICTURE_BYTES;

/** A label is one byte. */
export const MOST_BYTE_CLASSES = 256;

/** Shape of one picture: [height, width, channels]. */
export const PICTURE_SHAPE = [SIDE, SIDE, 3] as const;

/**
 * Turns records of CIFAR's binary format into pictures of [32, 32, 3] and labels.
 * @param records whole records, one after the other
 * @param target where to: arrays for the whole data set, and how many pictures they already hold
 * @returns number of pictures that `target` holds now
 */
export function decodeRecords(
  records: Uint8Array,
  target: { readonly images: Uint8Array; readonly labels: Uint8Array; readonly count: number },
): number {
  const { images, labels } = target;
  const count = records.length / RECORD_BYTES;
  let to = target.count * PICTURE_BYTES;
  for (let n = 0; n < count; n++) {
    const record = n * RECORD_BYTES;
    labels[target.count + n] = records[record]!;
    const red = record + 1;
    const green = red + PIXELS;
    const blue = green + PIXELS;
    for (let pixel = 0; pixel < PIXELS; pixel++, to += 3) {
      images[to] = records[red + pixel]!;
      images[to + 1] = records[green + pixel]!;
      images[to + 2] = records[blue + pixel]!;
    }
  }
  return target.count + count;
}

/**
 * A file's bytes, if they are whole records of CIFAR's binary format.
 * @param name of the file, for the message
 * @throws CifarError INVALID_DATA
 */
export function checkRecords(name: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length % RECORD_BYTES === 0) return bytes;
  throw new CifarError(
    "INVALID_DATA",
    `${name}: expected records of ${RECORD_BYTES} bytes, found ${bytes.length} bytes, which is no multiple`,
  );
}

/**
 * A data set of files that {@link checkRecords} has let pass, one after the other.
 * @throws CifarError INVALID_DATA if there is no record, or one with a label beyond the classes, or more classes than labels
 */
export function datasetOfRecords(name: string, classes: readonly string[], parts: readonly Uint8Array[]): Dataset {
  const total = parts.reduce((sum, part) => sum + part.length / RECORD_BYTES, 0);
  if (total === 0) throw new CifarError("INVALID_DATA", `${name}: expected records of pictures, found none`);
  if (classes.length > MOST_BYTE_CLASSES) {
    throw new CifarError(
      "INVALID_DATA",
      `${name}: CIFAR's binary format tells ${MOST_BYTE_CLASSES} classes apart, but ${classes.length} are named`,
    );
  }
  const images = new Uint8Array(total * PICTURE_BYTES);
  const labels = new Uint8Array(total);
  let count = 0;
  for (const part of parts) count = decodeRecords(part, { images, labels, count });
  const wrong = labels.findIndex((label) => label >= classes.length);
  if (wrong >= 0) {
    throw new CifarError(
      "INVALID_DATA",
      `${name}: expected labels from 0 to ${classes.length - 1}, found ${labels[wrong]} at picture ${wrong}`,
    );
  }
  return { name, classes, shape: PICTURE_SHAPE, count, images, labels };
}

/**
 * A data set of 32×32 pictures as records of CIFAR's binary format.
 * @throws CifarError INVALID_ARGUMENT if the pictures have another shape or a label does not fit into a byte
 */
export function encodeRecords(dataset: Dataset): Uint8Array {
  if (
    dataset.shape.some((side, index) => side !== PICTURE_SHAPE[index]) ||
    dataset.classes.length > MOST_BYTE_CLASSES
  ) {
    throw new CifarError(
      "INVALID_ARGUMENT",
      `${dataset.name}: CIFAR's binary format holds [${PICTURE_SHAPE.join(", ")}] of at most ${MOST_BYTE_CLASSES} classes, ` +
        `not [${dataset.shape.join(", ")}] of ${dataset.classes.length}`,
    );
  }
  const records = new Uint8Array(dataset.count * RECORD_BYTES);
  for (let n = 0; n < dataset.count; n++) {
    const record = n * RECORD_BYTES;
    records[record] = dataset.labels[n]!;
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const from = n * PICTURE_BYTES + pixel * 3;
      for (let channel = 0; channel < 3; channel++) {
        records[record + 1 + channel * PIXELS + pixel] = dataset.images[from + channel]!;
      }
    }
  }
  return records;
}
