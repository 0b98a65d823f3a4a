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
  /** For each channel the normalised values of 0 to 255. */
  readonly #tables: readonly Float32Array[];
  /** For each column of the target the first value of the source's column. */
  readonly #columns: Int32Array;

  constructor(shape: readonly number[], normalisation: Normalisation) {
    const [height, width, channels] = shape as readonly [number, number, number];
    this.#height = height;
    this.#width = width;
    this.#channels = channels;
    this.#columns = new Int32Array(width);
    const { mean, deviation } = normalisation;
    this.#tables = Array.from({ length: channels }, (_, channel) =>
      Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean[channel]!) / deviation[channel]!),
    );
  }

  /** Values of one picture. */
  get size(): number {
    return this.#height * this.#width * this.#channels;
  }

  /** Writes one picture. */
  write(source: Uint8Array, target: Float32Array, placement: Placement): void {
    const columns = this.#columns;
    const width = this.#width;
    const channels = this.#channels;
    for (let x = 0; x < width; x++) {
      const seen = placement.mirrored ? width - 1 - x : x;
      columns[x] = reflect(placement.mirrored ? seen + placement.right : seen - placement.right, width) * channels;
    }
    if (channels === 3) this.#writeColours(source, target, placement);
    else this.#writeAny(source, target, placement);
  }

  #writeAny(source: Uint8Array, target: Float32Array, placement: Placement): void {
    let to = placement.slot * this.size;
    for (let y = 0; y < this.#height; y++) {
      const row = this.#rowOf(placement, y);
      for (const column of this.#columns) {
        for (let channel = 0; channel < this.#channels; channel++) {
          target[to++] = this.#tables[channel]![source[row + column + channel]!]!;
        }
      }
    }
  }

  /** The same for three channels, which takes a third of the time (0.16 ms for 64 pictures of 32×32, not 0.49). */
  #writeColours(source: Uint8Array, target: Float32Array, placement: Placement): void {
    const columns = this.#columns;
    const [red, green, blue] = this.#tables as [Float32Array, Float32Array, Float32Array];
    let to = placement.slot * this.size;
    for (let y = 0; y < this.#height; y++) {
      const row = this.#rowOf(placement, y);
      for (let x = 0; x < columns.length; x++) {
        const from = row + columns[x]!;
        target[to] = red[source[from]!]!;
        target[to + 1] = green[source[from + 1]!]!;
        target[to + 2] = blue[source[from + 2]!]!;
        to += 3;
      }
    }
  }

  /** Where the source's row for row y of the target begins. */
  #rowOf(placement: Placement, y: number): number {
    const row = reflect(y - placement.down, this.#height);
    return placement.picture * this.size + row * this.#width * this.#channels;
  }
}

/** Mirrors a position that has left 0 … side − 1 at the edge, as often as it takes. */
function reflect(position: number, side: number): number {
  if (side === 1) return 0;
  const period = 2 * (side - 1);
  const wrapped = ((position % period) + period) % period;
  return wrapped < side ? wrapped : period - wrapped;
}
