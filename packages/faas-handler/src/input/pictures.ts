import { sniffPicture } from "@cifar/cifar/picture";
import type { ByteLease } from "../body.js";
import { type PictureShape, pictureSize } from "../classifier.js";
import { Problem } from "../problem.js";
import { planesToPixels } from "../records.js";
import { turn } from "../turn.js";

/**
 * Reads a PNG or JPEG file and brings it to the network's shape; throws a Problem where it cannot. It may stop, with the
 * signal's reason, once that is aborted.
 */
export type DecodePicture = (file: Uint8Array, shape: PictureShape, signal: AbortSignal) => Promise<Uint8Array>;

/** What came in a request, ready for the network. */
export interface Pictures {
  /** [count, height, width, channels] */
  readonly pixels: Uint8Array;
  readonly count: number;
  /** Whether the answer is an array, which depends on how pictures were sent and not on how many there were. */
  readonly list: boolean;
}

/** What a request's pictures may take. */
interface PictureLimits {
  /** Most pictures of a request. */
  readonly maxPictures: number;
  /** Most bytes of their pixels, as the network takes them; a single picture may have more. */
  readonly maxPixelBytes: number;
  /** Where the pixels of all but the first are counted. */
  readonly lease: ByteLease;
}

export interface PictureReaderOptions {
  readonly decode: DecodePicture;
  readonly shape: PictureShape;
  readonly signal: AbortSignal;
  readonly limits: PictureLimits;
}

/** Bytes that tell a picture file. */
export const PICTURE_START = 8;

/** Whether bytes begin as a PNG or JPEG file does, whatever they are called and whatever follows. */
export function isPictureFile(bytes: Uint8Array): boolean {
  return sniffPicture(bytes) !== undefined;
}

/** Turns what arrives, picture by picture, into the network's pixels. */
export class PictureReader {
  readonly shape: PictureShape;
  /** Bytes of a picture sent as planes, and also of its pixels. */
  readonly size: number;
  /** Most pictures of a request. */
  readonly most: number;
  readonly #decode: DecodePicture;
  readonly #signal: AbortSignal;
  readonly #lease: ByteLease;
  #count = 0;

  constructor({ decode, shape, signal, limits }: PictureReaderOptions) {
    this.shape = shape;
    this.size = pictureSize(shape);
    this.most = Math.min(limits.maxPictures, Math.max(1, Math.floor(limits.maxPixelBytes / this.size)));
    this.#decode = decode;
    this.#signal = signal;
    this.#lease = limits.lease;
  }

  /**
   * Counts pictures in before anything is made of them.
   * @throws Problem body-too-large where they are more than a request may have, too-many-requests where their memory is taken
   */
  admit(count: number): void {
    // A single picture takes no more than its request does anyway.
    const more = this.#count > 0 ? count : count - 1;
    this.#count += count;
    if (this.#count > this.most) {
      throw this.tooMany(this.#count);
    }
    if (more > 0) {
      this.#lease.grow(more * this.size);
    }
  }

  tooMany(count: number): Problem {
    return new Problem(
      "body-too-large",
      `The request holds ${count} pictures, but may have ${this.most} at most; send them in several requests.`,
    );
  }

  /** Before a picture or many: lets others have their turn, and stops where nobody waits for the answer any more. */
  async turn(): Promise<void> {
    await turn();
    this.#signal.throwIfAborted();
  }

  /** A PNG or JPEG file. */
  async file(bytes: Uint8Array): Promise<Uint8Array> {
    this.admit(1);
    await this.turn();
    return this.#decode(bytes, this.shape, this.#signal);
  }

  /** Planes of the network's own size. */
  planes(bytes: Uint8Array): Uint8Array {
    const pixels = this.room();
    planesToPixels(bytes, this.shape, pixels);
    return pixels;
  }

  /** Memory for the pixels of one more picture. */
  room(): Uint8Array {
    this.admit(1);
    return new Uint8Array(this.size);
  }

  /**
   * A file or planes, whichever it is.
   * @param where names the picture in the problem, such as `images[3]`
   */
  async either(bytes: Uint8Array, where: string): Promise<Uint8Array> {
    if (isPictureFile(bytes)) {
      return this.file(bytes);
    }
    if (bytes.length === this.size) {
      return this.planes(bytes);
    }
    throw new Problem(
      "invalid-picture",
      `${where} is neither a PNG or JPEG file nor ${this.size} bytes of planes, but ${bytes.length} other bytes.`,
    );
  }
}

/** Several pictures as one array. */
export function joinPictures(each: readonly Uint8Array[], list: boolean): Pictures {
  return { pixels: each.length === 1 ? each[0]! : Buffer.concat(each), count: each.length, list };
}
