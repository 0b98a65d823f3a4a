import { type PictureShape, pictureSize } from "../classifier.js";
import { Problem } from "../problem.js";
import { planesToPixels } from "../records.js";

/** Reads a PNG or JPEG file and brings it to the network's shape; throws a Problem where it cannot. */
export type DecodePicture = (file: Uint8Array, shape: PictureShape) => Promise<Uint8Array>;

/** What came in a request, ready for the network. */
export interface Pictures {
  /** [count, height, width, channels] */
  readonly pixels: Uint8Array;
  readonly count: number;
  /** Whether the answer is an array, which depends on how pictures were sent and not on how many there were. */
  readonly list: boolean;
}

export interface PictureReaderOptions {
  readonly decode: DecodePicture;
  readonly shape: PictureShape;
  readonly signal: AbortSignal;
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether the bytes begin as a PNG file does, or begin and end as a JPEG file does. */
export function isPictureFile(bytes: Uint8Array): boolean {
  const last = bytes.length - 1;
  return (
    PNG_SIGNATURE.every((byte, at) => bytes[at] === byte) ||
    (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff && bytes[last - 1] === 0xff && bytes[last] === 0xd9)
  );
}

/** How long pictures may be decoded in one go before others get their turn. */
const TURN_MS = 8;

/** Turns what arrives, picture by picture, into the network's pixels. */
export class PictureReader {
  readonly shape: PictureShape;
  /** Bytes of a picture sent as planes, and also of its pixels. */
  readonly size: number;
  readonly #decode: DecodePicture;
  readonly #signal: AbortSignal;
  #turn = performance.now();

  constructor({ decode, shape, signal }: PictureReaderOptions) {
    this.shape = shape;
    this.size = pictureSize(shape);
    this.#decode = decode;
    this.#signal = signal;
  }

  /** A PNG or JPEG file. */
  async file(bytes: Uint8Array): Promise<Uint8Array> {
    if (performance.now() - this.#turn > TURN_MS) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#turn = performance.now();
    }
    this.#signal.throwIfAborted();
    return this.#decode(bytes, this.shape);
  }

  /** Planes of the network's own size. */
  planes(bytes: Uint8Array): Uint8Array {
    const pixels = new Uint8Array(this.size);
    planesToPixels(bytes, this.shape, pixels);
    return pixels;
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
