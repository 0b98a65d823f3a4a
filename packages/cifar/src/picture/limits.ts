import { CifarError } from "../errors.js";

type Kind = "PNG" | "JPEG";

/** The error of a file that is broken, or of a kind that cannot be read. */
export function invalidPicture(kind: Kind, what: string, cause?: unknown): CifarError {
  return new CifarError("INVALID_PICTURE", `${kind}: ${what}`, { cause });
}

/**
 * Throws unless a header's size is one that may be decoded.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function checkSize(kind: Kind, size: { width: number; height: number }, maxPixels: number): void {
  const { width, height } = size;
  if (width < 1 || height < 1) throw invalidPicture(kind, `the header says ${width}×${height} pixels`);
  if (width * height > maxPixels) {
    throw new CifarError(
      "PICTURE_TOO_LARGE",
      `${kind}: ${width}×${height} pixels are more than the ${maxPixels} allowed`,
    );
  }
}

/** What it takes to decode a picture, estimated from what its file says; each kind's own measurements stand with it. */
export interface Cost {
  /** On one core at about 3 GHz, once the code is compiled; half a core or a cold start takes several times as long. */
  readonly milliseconds: number;
  /** The most memory at once, beside the file as it came. */
  readonly bytes: number;
}

/**
 * What a picture may cost. The most costly honest ones, JPEGs of four inks and of noise at the highest quality, take 46
 * bytes and 0.35 µs a pixel; those whose edges do not fill their blocks take a little more, which small ones feel most.
 */
const BYTES_PER_PIXEL = 44;
const MORE_BYTES = 2 ** 22;
const MILLISECONDS_PER_PIXEL = 0.5e-3;
const MORE_MILLISECONDS = 50;

/**
 * Throws where a picture would cost more than any honest one of as many pixels as are allowed.
 * @throws CifarError PICTURE_TOO_LARGE
 */
export function checkCost(kind: Kind, { milliseconds, bytes }: Cost, maxPixels: number): void {
  const mostBytes = BYTES_PER_PIXEL * maxPixels + MORE_BYTES;
  if (bytes > mostBytes) {
    const [found, most] = [bytes, mostBytes].map((each) => Math.ceil(each / 2 ** 20));
    throw new CifarError(
      "PICTURE_TOO_LARGE",
      `${kind}: decoding it takes ${found} MB, but ${maxPixels} pixels may take ${most}`,
    );
  }
  const mostMilliseconds = MILLISECONDS_PER_PIXEL * maxPixels + MORE_MILLISECONDS;
  if (milliseconds > mostMilliseconds) {
    const [found, most] = [milliseconds, mostMilliseconds].map(Math.ceil);
    throw new CifarError(
      "PICTURE_TOO_LARGE",
      `${kind}: decoding it takes about ${found} ms, but ${maxPixels} pixels may take ${most}`,
    );
  }
}
