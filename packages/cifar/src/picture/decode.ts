import { CifarError } from "../errors.js";
import { kindOf } from "../file-kind.js";
import { type CheckedJpeg, checkJpeg, decodeJpeg, isJpeg } from "./jpeg/jpeg.js";
import type { Picture } from "./picture.js";
import { type CheckedPng, checkPng, decodePng, isPng } from "./png/png.js";

export interface DecodeOptions {
  /** Pictures with more pixels are refused by their header, before anything is decoded. Default 50 million. */
  readonly maxPixels?: number;
}

const DEFAULT_MAX_PIXELS = 50_000_000;

/** The kinds of pictures that can be read. */
export type PictureType = "image/png" | "image/jpeg";

/** A picture whose file was read and checked by its standard, with an estimate of what it takes to decode it. */
export type CheckedPicture = CheckedPng | CheckedJpeg;

/** The kind of a picture by its first bytes, whatever its name says; undefined if it is none that can be read. */
export function sniffPicture(bytes: Uint8Array): PictureType | undefined {
  if (isPng(bytes)) return "image/png";
  if (isJpeg(bytes)) return "image/jpeg";
  return undefined;
}

/**
 * Reads and checks a PNG or JPEG file without decoding its pixels: in a few milliseconds, whatever it holds.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE where it has more pixels than allowed, or would take more time or
 * memory than any honest picture of so many
 */
export function checkPicture(bytes: Uint8Array, options: DecodeOptions = {}): CheckedPicture {
  const { maxPixels = DEFAULT_MAX_PIXELS } = options;
  switch (sniffPicture(bytes)) {
    case "image/png":
      return checkPng(bytes, maxPixels);
    case "image/jpeg":
      return checkJpeg(bytes, maxPixels);
    case undefined:
      throw new CifarError("INVALID_PICTURE", `expected a PNG or JPEG picture, found ${kindOf(bytes)}`);
  }
}

/**
 * Decodes what `checkPicture` has checked.
 * @throws CifarError INVALID_PICTURE
 */
export function decodeChecked(picture: CheckedPicture): Picture {
  return picture.type === "image/png" ? decodePng(picture) : decodeJpeg(picture);
}

/**
 * Decodes a PNG or JPEG picture of any colour type; transparent parts are laid over white, and a camera's note on how
 * it was held is followed. Work and memory are bounded by `maxPixels`, whatever the bytes claim.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function decodePicture(bytes: Uint8Array, options: DecodeOptions = {}): Picture {
  return decodeChecked(checkPicture(bytes, options));
}
