import { decode } from "fast-png";
import { invalidPicture } from "../limits.js";
import { SIGNATURE } from "./chunks.js";
import { type Header, type Pass, rowBytes } from "./header.js";

/** Some rows of a pass: one value a sample. */
export interface Band {
  /** The first one's number within the pass. */
  readonly from: number;
  readonly rows: number;
  readonly samples: Uint8Array | Uint16Array;
}

/** Bytes that are unfiltered in one go: in passing they take several times as much memory. */
export const BAND_BYTES = 2 ** 18;

/**
 * Undoes the filters of a pass, band by band. fast-png does, on a small PNG of those rows alone; before them goes the last
 * row of the band before, which the first one may be filtered by.
 * @throws CifarError INVALID_PICTURE
 */
export function* unfilter(filtered: Uint8Array, header: Header, pass: Pass): Generator<Band, void, undefined> {
  const stride = rowBytes(header, pass);
  const most = Math.max(1, Math.floor(BAND_BYTES / stride));
  let before: Uint8Array | undefined;
  for (let from = 0; from < pass.height; from += most) {
    const rows = Math.min(most, pass.height - from);
    const data = decodeRows(
      [
        ...(before === undefined ? [] : [Uint8Array.of(0), before]),
        filtered.subarray(from * stride, (from + rows) * stride),
      ],
      { ...header, width: pass.width, height: before === undefined ? rows : rows + 1 },
    );
    const valuesInRow = data.length / (before === undefined ? rows : rows + 1);
    const own = before === undefined ? data : data.subarray(valuesInRow);
    before = bytesOf(own.subarray((rows - 1) * valuesInRow));
    yield { from, rows, samples: header.depth < 8 ? unpacked(own, header.depth, { width: pass.width, rows }) : own };
  }
}

function decodeRows(filtered: readonly Uint8Array[], header: Header): Uint8Array | Uint16Array {
  try {
    const { data } = decode(wrap(filtered, header));
    return data instanceof Uint16Array ? data : new Uint8Array(data.buffer);
  } catch (error) {
    throw invalidPicture("PNG", "its rows cannot be decoded", error);
  }
}

/** Samples as they stand in a file, big end first. */
function bytesOf(samples: Uint8Array | Uint16Array): Uint8Array {
  if (samples instanceof Uint8Array) return samples;
  const bytes = new Uint8Array(samples.length * 2);
  for (const [index, sample] of samples.entries()) {
    bytes[2 * index] = sample >> 8;
    bytes[2 * index + 1] = sample & 255;
  }
  return bytes;
}

/** Samples of less than a byte are packed, each row starting a new byte. */
function unpacked(
  data: Uint8Array | Uint16Array,
  depth: number,
  { width, rows }: { readonly width: number; readonly rows: number },
): Uint8Array {
  const values = new Uint8Array(width * rows);
  const packedRow = Math.ceil((width * depth) / 8);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      values[y * width + x] = (data[y * packedRow + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
    }
  }
  return values;
}

/** Most bytes of a stored block, whose length has 16 bits (RFC 1951, 3.2.4). */
const LARGEST_BLOCK = 0xffff;

/**
 * The smallest PNG around rows that are already inflated: stored as zlib would store what it cannot compress (RFC 1950),
 * which takes no time to undo. Nobody looks at the checksums.
 */
function wrap(filtered: readonly Uint8Array[], { width, height, depth, colourType }: Header): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colourType;
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  const last = filtered.length - 1;
  for (const [index, bytes] of filtered.entries()) {
    for (let from = 0; from < bytes.length; from += LARGEST_BLOCK) {
      const block = bytes.subarray(from, from + LARGEST_BLOCK);
      const isLast = index === last && from + block.length === bytes.length ? 1 : 0;
      const [low, high] = [block.length & 0xff, block.length >> 8];
      parts.push(Uint8Array.of(isLast, low, high, ~low, ~high), block);
    }
  }
  parts.push(new Uint8Array(4));
  return Buffer.concat([
    Uint8Array.from(SIGNATURE),
    ...chunk("IHDR", [header]),
    ...chunk("IDAT", parts),
    ...chunk("IEND", []),
  ]);
}

/** A chunk in pieces, whose checksum nobody looks at. */
function chunk(type: string, data: readonly Uint8Array[]): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(
    data.reduce((sum, piece) => sum + piece.length, 0),
    0,
  );
  head.write(type, 4, "latin1");
  return [head, ...data, Buffer.alloc(4)];
}
