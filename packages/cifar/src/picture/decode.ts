import { CifarError } from "../errors.js";
import { kindOf } from "../file-kind.js";
import { decodeJpeg, isJpeg } from "./jpeg.js";
import type { Picture } from "./picture.js";
import { decodePng, isPng } from "./png.js";

export interface DecodeOptions {
  /** Pictures with more pixels are refused by their header, before anything is decoded. Default 50 million. */
  readonly maxPixels?: number;
}

const DEFAULT_MAX_PIXELS = 50_000_000;

/** The kinds of pictures that can be read. */
export type PictureType = "image/png" | "image/jpeg";

/** The kind of a picture by its first bytes, whatever its name says; undefined if it is none that can be read. */
export function sniffPicture(bytes: Uint8Array): PictureType | undefined {
  if (isPng(bytes)) return "image/png";
  if (isJpeg(bytes)) return "image/jpeg";
  return undefined;
}

/**
 * Decodes a PNG or JPEG picture of any colour type; transparent parts are laid over white, and a camera's note on how
 * it was held is followed. Work and memory are bounded by `maxPixels`, whatever the bytes claim.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function decodePicture(bytes: Uint8Array, options: DecodeOptions = {}): Picture {
  const { maxPixels = DEFAULT_MAX_PIXELS } = options;
  switch (sniffPicture(bytes)) {
    case "image/png":
      return decodePng(bytes, maxPixels);
    case "image/jpeg":
      return decodeJpeg(bytes, maxPixels);
    case undefined:
      throw new CifarError("INVALID_PICTURE", `expected a PNG or JPEG picture, found ${kindOf(bytes)}`);
  }
}
