import { CifarError } from "../errors.js";

/**
 * Throws unless a header's size is one that may be decoded.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function checkSize(kind: string, size: { width: number; height: number }, maxPixels: number): void {
  const { width, height } = size;
  if (width < 1 || height < 1) {
    throw new CifarError("INVALID_PICTURE", `${kind}: the header says ${width}×${height} pixels`);
  }
  if (width * height > maxPixels) {
    throw new CifarError(
      "PICTURE_TOO_LARGE",
      `${kind}: ${width}×${height} pixels are more than the ${maxPixels} allowed`,
    );
  }
}
