import { type Cost, checkCost } from "../limits.js";
import type { Picture } from "../picture.js";
import { type Chunks, readChunks, SIGNATURE } from "./chunks.js";
import { toRgb } from "./colours.js";
import { costOf } from "./cost.js";
import { filteredBytes, passesOf, rowBytes } from "./header.js";
import { inflateRows } from "./inflate.js";
import { unfilter } from "./rows.js";

/** A PNG that was checked and that may be decoded; plain data, so that another thread can do it. */
export interface CheckedPng extends Chunks {
  readonly type: "image/png";
  readonly width: number;
  readonly height: number;
  readonly cost: Cost;
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/**
 * Reads all that a PNG says of its pixels and decodes nothing.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function checkPng(bytes: Uint8Array, maxPixels: number): CheckedPng {
  const chunks = readChunks(bytes, maxPixels);
  const { width, height } = chunks.header;
  const cost = costOf(chunks);
  checkCost("PNG", cost, maxPixels);
  return { type: "image/png", width, height, cost, ...chunks };
}

/**
 * Decodes a PNG; its pixels are inflated to exactly what the header promises.
 * @throws CifarError INVALID_PICTURE
 */
export function decodePng({ header, compressed, ...colours }: CheckedPng): Picture {
  const { width, height } = header;
  const filtered = inflateRows(compressed, filteredBytes(header));
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
