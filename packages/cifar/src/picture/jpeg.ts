import jpeg from "jpeg-js";
import { CifarError } from "../errors.js";
import { checkSize } from "./limits.js";
import { orientationOf, turn } from "./orientation.js";
import type { Picture } from "./picture.js";

/** More scans than any camera or program writes: each one costs a pass over all coefficients. */
const MAX_SCANS = 64;

/**
 * Memory that the decoder may take: coefficients are 4 bytes a sample, three samples a pixel, and rows, planes and the
 * result come to 8 bytes a pixel more; the blocks at the edges round up.
 */
const BYTES_PER_PIXEL = 24;
const EXTRA_BYTES = 2 ** 25;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly scans: number;
  readonly orientation: number;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Decodes a JPEG, turned the way its camera says it was held.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function decodeJpeg(bytes: Uint8Array, maxPixels: number): Picture {
  const frame = readFrame(bytes);
  checkSize("JPEG", frame, maxPixels);
  if (frame.scans > MAX_SCANS) throw invalid(`${frame.scans} scans are more than any program writes`);
  let decoded: { width: number; height: number; data: Uint8Array };
  try {
    decoded = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: maxPixels / 1e6,
      maxMemoryUsageInMB: (frame.width * frame.height * BYTES_PER_PIXEL + EXTRA_BYTES) / 2 ** 20,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes("limit exceeded")) {
      throw new CifarError("PICTURE_TOO_LARGE", `JPEG: decoding takes more memory than its size allows`);
    }
    throw invalid(`it cannot be decoded: ${message.split("\n")[0]}`, error);
  }
  return turn({ width: decoded.width, height: decoded.height, data: decoded.data }, frame.orientation);
}

/** Walks the segments up to the last scan without decoding anything. */
function readFrame(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: { width: number; height: number } | undefined;
  let orientation = 1;
  let scans = 0;
  let ended = false;
  for (let offset = 2; offset + 4 <= bytes.length && !ended; ) {
    if (bytes[offset] !== 0xff) {
      // Compressed data, or what lies between segments.
      offset++;
      continue;
    }
    const marker = bytes[offset + 1]!;
    if (marker === 0xff) {
      offset++;
      continue;
    }
    // Markers without a length: a stuffed 0xff, restarts, a start within.
    if (marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      offset += 2;
      continue;
    }
    if (marker === 0xd9) {
      ended = true;
      continue;
    }
    const length = view.getUint16(offset + 2);
    const end = offset + 2 + length;
    if (length < 2 || end > bytes.length) throw invalid("the file is cut off");
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      if (marker > 0xc2) throw invalid("it is lossless, hierarchical or arithmetically coded, which few programs read");
      if (size !== undefined) throw invalid("it has two frames");
      if (length < 8) throw invalid("its frame header is cut off");
      size = { height: view.getUint16(offset + 5), width: view.getUint16(offset + 7) };
    }
    if (marker === 0xe1) orientation = orientationOf(bytes.subarray(offset + 4, end)) ?? orientation;
    if (marker === 0xda) scans++;
    offset = end;
  }
  if (size === undefined) throw invalid("it holds no frame header");
  return { ...size, scans, orientation };
}

function invalid(what: string, cause?: unknown): CifarError {
  return new CifarError("INVALID_PICTURE", `JPEG: ${what}`, { cause });
}
