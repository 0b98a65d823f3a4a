import { type Cost, checkCost } from "../limits.js";
import type { Picture } from "../picture.js";
import { type Chunks, joinCompressed, readChunks, SIGNATURE } from "./chunks.js";
import { toRgb } from "./colours.js";
import { costOf } from "./cost.js";
import { filteredBytes, passesOf, rowBytes } from "./header.js";
import { inflateRows } from "./inflate.js";
import { unfilter } from "./rows.js";

/** A PNG that was checked and that may be decoded. */
export interface CheckedPng {
  readonly type: "image/png";
  readonly width: number;
  readonly height: number;
  readonly cost: Cost;
  readonly content: Chunks;
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/**
 * Reads all that a PNG says of its pixels and decodes nothing.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function checkPng(bytes: Uint8Array, maxPixels: number): CheckedPng {
  const content = readChunks(bytes, maxPixels);
  const { width, height } = content.header;
  const cost = costOf(content);
  checkCost("PNG", cost, maxPixels);
  return { type: "image/png", width, height, cost, content };
}

/**
 * Decodes a PNG; its pixels are inflated to exactly what the header promises.
 * @throws CifarError INVALID_PICTURE
 */
export function decodePng({ width, height, content }: CheckedPng): Picture {
  const { header, compressed, ...colours } = content;
  const filtered = inflateRows(joinCompressed(compressed), filteredBytes(header));
  const data = new Uint8Array(width * height * 3);
  let offset = 0;
  for (const pass of passesOf(header)) {
    const end = offset + pass.height * rowBytes(header, pass);
    for (const { from, rows, samples } of unfilter(filtered.subarray(offset, end), header, pass)) {
      const rgb = toRgb(samples, header, colours);
      if (!header.isInterlaced) {
        data.set(rgb, from * width * 3);
        continue;
      }
      for (let row = 0, at = 0; row < rows; row++) {
        let to = ((pass.y + (from + row) * pass.stepY) * width + pass.x) * 3;
        for (let column = 0; column < pass.width; column++, to += pass.stepX * 3) {
          data[to] = rgb[at++]!;
          data[to + 1] = rgb[at++]!;
          data[to + 2] = rgb[at++]!;
        }
      }
    }
    offset = end;
  }
  return { width, height, data };
}
