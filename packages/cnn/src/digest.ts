import { BYTE_LABELS, type Dataset, pictureSize } from "./dataset.js";
import type { Sequential } from "./sequential.js";
import { Sha256 } from "./sha256.js";

/** SHA-256 over the names and bytes of a network's parameters: equal for equal weights, to the last bit. */
export function weightsDigest(model: Pick<Sequential, "parameters">): string {
  return digestOf([...model.parameters].map(([name, { data }]) => [name, data]));
}

/** The same of any named arrays, in the order given. */
export function digestOf(arrays: Iterable<readonly [string, Float32Array]>): string {
  const hash = new Sha256();
  for (const [name, data] of arrays) {
    hash.update(new TextEncoder().encode(`${name}\0`));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.hex();
}

/** Pictures that {@link dataDigest} looks at; all labels count, but hashing 150 MB of pictures would take a second. */
const SAMPLED_PICTURES = 256;

/** SHA-256 over a data set's labels and an even sample of its pictures: enough to notice that it is another. */
export function dataDigest(dataset: Dataset): string {
  const hash = new Sha256();
  hash.update(new TextEncoder().encode(JSON.stringify([dataset.shape, dataset.count, dataset.classes])));
  hash.update(labelBytes(dataset));
  const size = pictureSize(dataset);
  const samples = Math.min(SAMPLED_PICTURES, dataset.count);
  for (let sample = 0; sample < samples; sample++) {
    const picture = Math.floor((sample * dataset.count) / samples);
    hash.update(dataset.images.subarray(picture * size, (picture + 1) * size));
  }
  return hash.hex();
}

/** A byte a label where that is enough, else four, the lowest first: the same digest whatever array they are in. */
function labelBytes({ labels, classes }: Dataset): Uint8Array {
  if (classes.length <= BYTE_LABELS) return Uint8Array.from(labels);
  const bytes = new DataView(new ArrayBuffer(4 * labels.length));
  for (const [index, label] of labels.entries()) bytes.setInt32(4 * index, label, true);
  return new Uint8Array(bytes.buffer);
}
