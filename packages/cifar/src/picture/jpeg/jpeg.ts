import jpeg from "jpeg-js";
import { type Cost, checkCost, checkSize, invalidPicture } from "../limits.js";
import type { Picture } from "../picture.js";
import { withBlocks } from "./blocks.js";
import { blocksOf, costOf } from "./cost.js";
import { writeJpeg } from "./file.js";
import { turn } from "./orientation.js";
import { type Jpeg, readJpeg } from "./structure.js";

/** From here on the memory of each block for itself adds up: to half a megabyte more than they need together. */
const MANY_BLOCKS = 1024;

/** A JPEG that was checked and that may be decoded. */
export interface CheckedJpeg {
  readonly type: "image/jpeg";
  readonly width: number;
  readonly height: number;
  readonly cost: Cost;
  readonly content: Jpeg;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Reads all that a JPEG says and decodes nothing.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function checkJpeg(bytes: Uint8Array, maxPixels: number): CheckedJpeg {
  const content = readJpeg(bytes);
  const { width, height } = content.frame;
  checkSize("JPEG", content.frame, maxPixels);
  const cost = costOf(content);
  checkCost("JPEG", cost, maxPixels);
  return { type: "image/jpeg", width, height, cost, content };
}

/**
 * Decodes a JPEG, turned the way its camera says it was held.
 * @throws CifarError INVALID_PICTURE
 */
export function decodeJpeg({ width, height, content }: CheckedJpeg): Picture {
  const { frame, hasChroma, orientation } = content;
  const file = writeJpeg(content);
  const blocks = blocksOf(frame);
  let decoded: { data: Uint8Array };
  try {
    const decode = (): { data: Uint8Array } =>
      jpeg.decode(file, {
        useTArray: true,
        formatAsRGBA: false,
        colorTransform: hasChroma,
        // With restarts, a component alone is counted beyond its last block; only then do blocks miss.
        tolerantDecoding: true,
        // Both were checked before, by what they really cost.
        maxResolutionInMP: Number.POSITIVE_INFINITY,
        maxMemoryUsageInMB: Number.POSITIVE_INFINITY,
      });
    decoded = blocks > MANY_BLOCKS ? withBlocks(blocks, decode) : decode();
  } catch (error) {
    // What the decoder says itself is an Error and no subclass of it; the engine's own words help nobody.
    const said = error instanceof Error && error.name === "Error" ? `: ${error.message.split("\n")[0]}` : "";
    throw invalidPicture("JPEG", `its compressed data cannot be decoded${said}`, error);
  }
  return turn({ width, height, data: decoded.data }, orientation);
}
