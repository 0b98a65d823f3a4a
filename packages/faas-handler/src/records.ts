import { type PictureShape, pictureSize } from "./classifier.js";
import { Problem } from "./problem.js";

/** Bytes of one record of CIFAR's binary version: the label, then the picture as planes. */
export function recordSize(shape: PictureShape): number {
  return 1 + pictureSize(shape);
}

/** Turns planes (all of channel 0, then all of channel 1, …) into pixels with their channels side by side. */
export function planesToPixels(planes: Uint8Array, shape: PictureShape, pixels: Uint8Array): void {
  const [height, width, channels] = shape;
  const area = height * width;
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * area;
    for (let position = 0; position < area; position++) {
      pixels[position * channels + channel] = planes[plane + position]!;
    }
  }
}

/** Pictures with the labels that they came with. */
export interface LabelledPictures {
  readonly count: number;
  /** [count, height, width, channels] */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

export interface RecordFormat {
  readonly shape: PictureShape;
  /** Labels must be below it. */
  readonly classes: number;
}

/**
 * Cuts a stream of records into batches of at most `batch`, whatever its chunks are. The memory of a batch is used
 * again for the next.
 * @throws Problem invalid-picture for a label out of range or a last record that is cut off
 */
export async function* readRecords(
  body: AsyncIterable<Uint8Array>,
  format: RecordFormat,
  batch: number,
): AsyncGenerator<LabelledPictures, void, undefined> {
  const size = recordSize(format.shape);
  const pixelBytes = size - 1;
  const record = new Uint8Array(size);
  const pixels = new Uint8Array(batch * pixelBytes);
  const labels = new Uint8Array(batch);
  let filled = 0;
  let count = 0;
  let read = 0;

  const take = (bytes: Uint8Array): void => {
    const label = bytes[0]!;
    if (label >= format.classes) {
      throw new Problem(
        "invalid-picture",
        `Record ${read} has label ${label}, but labels go from 0 to ${format.classes - 1}.`,
      );
    }
    labels[count] = label;
    planesToPixels(bytes.subarray(1), format.shape, pixels.subarray(count * pixelBytes, (count + 1) * pixelBytes));
    count++;
    read++;
  };

  for await (const chunk of body) {
    let at = 0;
    while (at < chunk.length) {
      if (filled === 0 && chunk.length - at >= size) {
        take(chunk.subarray(at, at + size));
        at += size;
      } else {
        const some = Math.min(size - filled, chunk.length - at);
        record.set(chunk.subarray(at, at + some), filled);
        filled += some;
        at += some;
        if (filled === size) {
          filled = 0;
          take(record);
        }
      }
      if (count === batch) {
        yield { count, pixels, labels };
        count = 0;
      }
    }
  }
  if (filled > 0) {
    throw new Problem("invalid-picture", `Records have ${size} bytes each, but the last one stops after ${filled}.`);
  }
  if (count > 0) {
    yield { count, pixels: pixels.subarray(0, count * pixelBytes), labels: labels.subarray(0, count) };
  }
}
