import type { Normalisation } from "./dataset.js";

/** Which picture to write and how to change it on the way. */
export interface Placement {
  /** Position in the source's pictures. */
  picture: number;
  /** Position in the target's pictures. */
  slot: number;
  /** Left to right. */
  mirrored: boolean;
  /** By how many pixels the picture moves down and right. */
  down: number;
  right: number;
}

/**
 * Turns bytes into what a network takes: float32, normalised by a table of the 256 values of each channel, mirrored and
 * moved. A moved picture's new border is mirrored at its edge (the edge's own pixel once), as Jordan's airbench does; it
 * keeps the picture's statistics, which the zeros of PyTorch's RandomCrop do not.
 */
export class PictureWriter {
  readonly #height: number;
  readonly #width: number;
  readonly #channels: number;
  readonly #table: Float32Array;
  /** For each column of the target the first value of the source's column. */
  readonly #columns: Int32Array;

  constructor(shape: readonly number[], normalisation: Normalisation) {
    const [height, width, channels] = shape as readonly [number, number, number];
    this.#height = height;
    this.#width = width;
    this.#channels = channels;
    this.#columns = new Int32Array(width);
    this.#table = new Float32Array(256 * channels);
    for (let value = 0; value < 256; value++) {
      for (let channel = 0; channel < channels; channel++) {
        const { mean, deviation } = normalisation;
        this.#table[value * channels + channel] = (value / 255 - mean[channel]!) / deviation[channel]!;
      }
    }
  }

  /** Values of one picture. */
  get size(): number {
    return this.#height * this.#width * this.#channels;
  }

  /** Writes one picture. */
  write(source: Uint8Array, target: Float32Array, placement: Placement): void {
    const columns = this.#columns;
    const table = this.#table;
    const height = this.#height;
    const width = this.#width;
    const channels = this.#channels;
    for (let x = 0; x < width; x++) {
      const seen = placement.mirrored ? width - 1 - x : x;
      columns[x] = reflect(placement.mirrored ? seen + placement.right : seen - placement.right, width) * channels;
    }
    let to = placement.slot * this.size;
    for (let y = 0; y < height; y++) {
      const row = placement.picture * this.size + reflect(y - placement.down, height) * width * channels;
      for (let x = 0; x < width; x++) {
        const from = row + columns[x]!;
        for (let channel = 0; channel < channels; channel++) {
          target[to++] = table[source[from + channel]! * channels + channel]!;
        }
      }
    }
  }
}

/** Mirrors a position that has left 0 … side − 1 at the edge, as often as it takes. */
function reflect(position: number, side: number): number {
  if (side === 1) return 0;
  const period = 2 * (side - 1);
  const wrapped = ((position % period) + period) % period;
  return wrapped < side ? wrapped : period - wrapped;
}
