import { crc32 } from "node:zlib";
import { invalidPicture } from "../limits.js";
import type { Colours } from "./colours.js";
import { type Header, readHeader } from "./header.js";

export const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Names of chunks as the numbers that they are read as. */
const [IHDR, PLTE, TRNS, IDAT, IEND] = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].map((name) =>
  Array.from(name).reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0),
);

/** Colours of a palette. */
const MOST_COLOURS = 256;

/** Length, name and checksum. */
const FRAMING = 12;

export interface Chunks extends Colours {
  readonly header: Header;
  /** The content of all chunks IDAT, in memory of its own. */
  readonly compressed: Uint8Array<ArrayBuffer>;
}

/**
 * Finds the chunks that make up the picture and checks them. Texts and profiles, which may hide gigabytes, are passed over.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function readChunks(bytes: Uint8Array, maxPixels: number): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // There is nearly nothing else in a file. Chunks may be as short as a byte: no object for each of them is kept.
  const compressed = new Uint8Array(bytes.length);
  let length = 0;
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  for (let offset = SIGNATURE.length; ; ) {
    if (offset + FRAMING > bytes.length) throw invalid("the file is cut off");
    const end = offset + FRAMING + view.getUint32(offset);
    if (end > bytes.length) throw invalid("the file is cut off");
    const name = view.getUint32(offset + 4);
    if (header === undefined && (name !== IHDR || end - offset !== 13 + FRAMING)) {
      throw invalid("it does not start with a header");
    }
    if (name === IHDR || name === PLTE || name === TRNS || name === IDAT) {
      checkSum(bytes, { offset, end }, view);
      const data = bytes.subarray(offset + 8, end - 4);
      if (name === IDAT) {
        compressed.set(data, length);
        length += data.length;
      } else if (name === IHDR) header ??= readHeader(data, maxPixels);
      else if (name === PLTE) palette = copyOf(data, 3 * MOST_COLOURS);
      else transparency = copyOf(data, MOST_COLOURS);
    }
    if (name === IEND) break;
    offset = end;
  }
  if (header!.colourType === 3 && (palette === undefined || palette.length % 3 !== 0)) {
    throw invalid("its palette is missing or broken");
  }
  return { header: header!, compressed: compressed.subarray(0, length), palette, transparency };
}

function checkSum(bytes: Uint8Array, { offset, end }: { offset: number; end: number }, view: DataView): void {
  if (crc32(bytes.subarray(offset + 4, end - 4)) === view.getUint32(end - 4)) return;
  const name = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
  throw invalid(`the checksum of its chunk ${name} is wrong`);
}

/** What another thread can be given without all the file around it. */
function copyOf(data: Uint8Array, most: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(data.subarray(0, most));
}

function invalid(what: string) {
  return invalidPicture("PNG", what);
}
