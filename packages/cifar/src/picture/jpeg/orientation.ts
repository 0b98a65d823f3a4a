import type { Picture } from "../picture.js";

const EXIF_HEADER = [0x45, 0x78, 0x69, 0x66, 0, 0];
const ORIENTATION_TAG = 0x0112;

/**
 * How a camera was held, 1 to 8, from the segment APP1 of a JPEG (Exif 2.32, tag 0x0112).
 * @param segment without its marker and length
 * @returns undefined if it does not say
 */
export function orientationOf(segment: Uint8Array): number | undefined {
  if (!EXIF_HEADER.every((byte, index) => segment[index] === byte)) return undefined;
  const tiff = segment.subarray(EXIF_HEADER.length);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 8) return undefined;
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return undefined;
  const entries = view.getUint16(directory, little);
  for (let entry = directory + 2, n = 0; n < entries && entry + 12 <= tiff.length; n++, entry += 12) {
    if (view.getUint16(entry, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** Turns and mirrors a picture so that it stands upright, given how its camera was held. */
export function turn(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, data } = picture;
  const sideways = orientation >= 5;
  const mirroredX = [2, 3, 7, 8].includes(orientation);
  const mirroredY = [3, 4, 6, 7].includes(orientation);
  const turned = { width: sideways ? height : width, height: sideways ? width : height };
  const result = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < turned.height; y++) {
    for (let x = 0; x < turned.width; x++, to += 3) {
      const [column, row] = sideways ? [y, x] : [x, y];
      const from = 3 * ((mirroredY ? height - 1 - row : row) * width + (mirroredX ? width - 1 - column : column));
      result[to] = data[from]!;
      result[to + 1] = data[from + 1]!;
      result[to + 2] = data[from + 2]!;
    }
  }
  return { ...turned, data: result };
}
