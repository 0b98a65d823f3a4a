import { crc32, inflateSync } from "node:zlib";
import { decode } from "fast-png";
import { CifarError } from "../errors.js";
import { checkSize } from "./limits.js";
import type { Picture } from "./picture.js";
import { type Colours, toRgb } from "./png-colours.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Samples a pixel for each colour type, and the bit depths that it may have (PNG specification, table 11.1). */
const COLOUR_TYPES: Readonly<Record<number, { readonly channels: number; readonly depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

/** Start and step of the seven passes of Adam7. */
const ADAM7 = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

interface Chunks extends Colours {
  readonly header: Header;
  readonly compressed: readonly Uint8Array[];
}

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => bytes[index] === byte);
}

/**
 * Decodes a PNG. Only what makes up the picture is decoded: texts and profiles, which may hide gigabytes, are passed
 * over, and the pixels may inflate to exactly what the header promises.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function decodePng(bytes: Uint8Array, maxPixels: number): Picture {
  const { header, compressed, ...colours } = readChunks(bytes, maxPixels);
  const samples = header.interlaced
    ? readPasses(compressed, header)
    : unfilter(inflate(compressed, passBytes(header, header)), header);
  return { width: header.width, height: header.height, data: toRgb(samples, header, colours) };
}

/** Reads the passes of an interlaced picture and puts them together. */
function readPasses(compressed: readonly Uint8Array[], header: Header): Uint16Array {
  const passes = ADAM7.map((pass) => ({
    ...pass,
    width: Math.ceil((header.width - pass.x) / pass.stepX),
    height: Math.ceil((header.height - pass.y) / pass.stepY),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
  const filtered = inflate(
    compressed,
    passes.reduce((sum, pass) => sum + passBytes(header, pass), 0),
  );
  const samples = new Uint16Array(header.width * header.height * header.channels);
  let offset = 0;
  for (const pass of passes) {
    const size = passBytes(header, pass);
    const values = unfilter(filtered.subarray(offset, offset + size), { ...header, ...pass });
    offset += size;
    for (let y = 0; y < pass.height; y++) {
      for (let x = 0; x < pass.width; x++) {
        const from = (y * pass.width + x) * header.channels;
        const to = ((pass.y + y * pass.stepY) * header.width + pass.x + x * pass.stepX) * header.channels;
        for (let channel = 0; channel < header.channels; channel++) samples[to + channel] = values[from + channel]!;
      }
    }
  }
  return samples;
}

/** Finds the chunks that make up the picture and checks them. */
function readChunks(bytes: Uint8Array, maxPixels: number): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const compressed: Uint8Array[] = [];
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  for (let offset = SIGNATURE.length; ; ) {
    if (offset + 12 > bytes.length) throw invalid("the file is cut off");
    const length = view.getUint32(offset);
    const end = offset + 12 + length;
    if (end > bytes.length) throw invalid("the file is cut off");
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    const data = bytes.subarray(offset + 8, end - 4);
    if (header === undefined) {
      if (type !== "IHDR" || length !== 13) throw invalid("it does not start with a header");
      header = readHeader(data, maxPixels);
    }
    if (type === "PLTE" || type === "tRNS" || type === "IDAT" || type === "IHDR") {
      if (crc32(bytes.subarray(offset + 4, end - 4)) !== view.getUint32(end - 4)) {
        throw invalid(`the checksum of its chunk ${type} is wrong`);
      }
      if (type === "PLTE") palette = data;
      if (type === "tRNS") transparency = data;
      if (type === "IDAT") compressed.push(data);
    }
    if (type === "IEND") break;
    offset = end;
  }
  if (header.colourType === 3 && (palette === undefined || palette.length % 3 !== 0)) {
    throw invalid("its palette is missing or broken");
  }
  return { header, compressed, palette, transparency };
}

function readHeader(data: Uint8Array, maxPixels: number): Header {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  checkSize("PNG", { width, height }, maxPixels);
  const [depth, colourType, compression, filter, interlace] = data.subarray(8) as unknown as number[];
  const kind = COLOUR_TYPES[colourType!];
  if (kind === undefined || !kind.depths.includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1) {
    throw invalid(`its header is none of PNG's (depth ${depth}, colour type ${colourType}, interlace ${interlace})`);
  }
  return {
    width,
    height,
    depth: depth!,
    colourType: colourType!,
    channels: kind.channels,
    interlaced: interlace === 1,
  };
}

/** Bytes of a pass before compression: each row with a byte before it that names its filter. */
function passBytes(header: Header, pass: { width: number; height: number }): number {
  return pass.height * (1 + Math.ceil((pass.width * header.channels * header.depth) / 8));
}

/** What zlib takes at least. */
const SMALLEST_CHUNK = 64;

/** Inflates the pixels, stopping at the first byte that is too much. */
function inflate(compressed: readonly Uint8Array[], expected: number): Uint8Array {
  let filtered: Uint8Array;
  try {
    // In one piece of the right size: by default zlib takes 16 KiB for the smallest picture, and many pieces for a large one.
    const chunkSize = Math.max(expected, SMALLEST_CHUNK);
    filtered = inflateSync(compressed.length === 1 ? compressed[0]! : Buffer.concat(compressed), {
      maxOutputLength: expected,
      chunkSize,
    });
  } catch (error) {
    const tooMuch = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw invalid(tooMuch ? "it holds more pixels than its header says" : "its pixels cannot be decompressed", error);
  }
  if (filtered.length < expected) throw invalid("it holds fewer pixels than its header says");
  return filtered;
}

/** Undoes the filters of one pass: fast-png does, on a picture of that pass alone; one value a sample comes out. */
function unfilter(filtered: Uint8Array, pass: Header): Uint8Array | Uint16Array {
  let data: Uint8Array | Uint8ClampedArray | Uint16Array;
  try {
    data = decode(wrap(filtered, pass)).data;
  } catch (error) {
    throw invalid("its rows cannot be decoded", error);
  }
  if (pass.depth >= 8) return data instanceof Uint16Array ? data : new Uint8Array(data.buffer);
  // Samples of less than a byte are packed, each row starting a new byte.
  const values = new Uint8Array(pass.width * pass.height);
  const rowBytes = Math.ceil((pass.width * pass.depth) / 8);
  const mask = (1 << pass.depth) - 1;
  for (let y = 0; y < pass.height; y++) {
    for (let x = 0; x < pass.width; x++) {
      const bit = x * pass.depth;
      values[y * pass.width + x] = (data[y * rowBytes + (bit >> 3)]! >> (8 - pass.depth - (bit & 7))) & mask;
    }
  }
  return values;
}

/** The smallest PNG around rows that are already inflated. */
function wrap(filtered: Uint8Array, pass: Header): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(pass.width, 0);
  header.writeUInt32BE(pass.height, 4);
  header[8] = pass.depth;
  header[9] = pass.colourType;
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", stored(filtered)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Most bytes of a stored block, whose length has 16 bits (RFC 1951, 3.2.4). */
const LARGEST_BLOCK = 0xffff;

/** Bytes as zlib would store them uncompressed (RFC 1950), which takes no time to undo; nobody looks at the checksum. */
function stored(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let from = 0; from < bytes.length; from += LARGEST_BLOCK) {
    const block = bytes.subarray(from, from + LARGEST_BLOCK);
    const isLast = from + block.length === bytes.length ? 1 : 0;
    const [low, high] = [block.length & 0xff, block.length >> 8];
    parts.push(Uint8Array.of(isLast, low, high, ~low, ~high), block);
  }
  return Buffer.concat([...parts, new Uint8Array(4)]);
}

/** A chunk whose checksum nobody looks at. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, data, Buffer.alloc(4)]);
}

function invalid(what: string, cause?: unknown): CifarError {
  return new CifarError("INVALID_PICTURE", `PNG: ${what}`, { cause });
}
