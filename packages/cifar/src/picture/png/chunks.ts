import { crc32 } from "node:zlib";
import { invalidPicture } from "../limits.js";
import type { Colours } from "./colours.js";
import { type Header, readHeader } from "./header.js";

export const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Names of chunks as the numbers that they are read as. */
const [IHDR, PLTE, TRNS, IDAT, IEND] = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].map((name) =>
  Array.from(name).reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0),
);

/** 256 colours. */
const MOST_PALETTE_BYTES = 3 * 256;

/** Length, name and checksum. */
const FRAMING = 12;

export interface Chunks extends Colours {
  readonly header: Header;
  readonly compressed: Compressed;
}

/** Where a file's compressed pixels are; there may be as many chunks as bytes, so that nothing is kept for each of them. */
interface Compressed {
  readonly file: Uint8Array;
  /** Offset of the first chunk IDAT. */
  readonly first: number;
  readonly chunks: number;
  /** Bytes in all of them. */
  readonly length: number;
}

/**
 * Finds the chunks that make up the picture and checks them. Texts and profiles, which may hide gigabytes, are passed over.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function readChunks(bytes: Uint8Array, maxPixels: number): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let first = 0;
  let chunks = 0;
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
    if (name === IHDR || name === PLTE || name === TRNS || name === IDAT) checkSum(bytes, { offset, end }, view);
    if (name === IDAT) {
      if (chunks === 0) first = offset;
      chunks++;
      length += end - offset - FRAMING;
    }
    if (name === IHDR) header ??= readHeader(contentOf(bytes, { offset, end }), maxPixels);
    if (name === PLTE) palette = contentOf(bytes, { offset, end });
    if (name === TRNS) transparency = contentOf(bytes, { offset, end });
    if (name === IEND) break;
    offset = end;
  }
  if (
    header!.colourType === 3 &&
    (palette === undefined || palette.length % 3 !== 0 || palette.length > MOST_PALETTE_BYTES)
  ) {
    throw invalid("its palette is missing or broken");
  }
  return { header: header!, compressed: { file: bytes, first, chunks, length }, palette, transparency };
}

/** The content of all chunks IDAT, one after the other. */
export function joinCompressed({ file, first, chunks, length }: Compressed): Uint8Array {
  if (chunks === 1) return file.subarray(first + 8, first + 8 + length);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const joint = new Uint8Array(length);
  for (let offset = first, filled = 0; filled < length; ) {
    const end = offset + FRAMING + view.getUint32(offset);
    if (view.getUint32(offset + 4) === IDAT) {
      joint.set(contentOf(file, { offset, end }), filled);
      filled += end - offset - FRAMING;
    }
    offset = end;
  }
  return joint;
}

/** Where a chunk lies, from its length to the end of its checksum. */
interface Place {
  readonly offset: number;
  readonly end: number;
}

function contentOf(bytes: Uint8Array, { offset, end }: Place): Uint8Array {
  return bytes.subarray(offset + 8, end - 4);
}

function checkSum(bytes: Uint8Array, { offset, end }: Place, view: DataView): void {
  if (crc32(bytes.subarray(offset + 4, end - 4)) === view.getUint32(end - 4)) return;
  const name = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
  throw invalid(`the checksum of its chunk ${name} is wrong`);
}

function invalid(what: string) {
  return invalidPicture("PNG", what);
}
