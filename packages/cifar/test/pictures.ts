import { crc32, deflateSync } from "node:zlib";
import { encode } from "fast-png";
import jpeg from "jpeg-js";

interface Rgb {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A PNG of red, green and blue bytes. */
export function pngOf({ width, height, data }: Rgb): Uint8Array {
  return encode({ width, height, channels: 3, data });
}

/** A JPEG of red, green and blue bytes. */
export function jpegOf({ width, height, data }: Rgb): Uint8Array {
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) rgba.set(data.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  return Uint8Array.from(jpeg.encode({ width, height, data: rgba }, 95).data);
}

/** A PNG put together by hand, with whatever header, rows (filter bytes included) and further chunks. */
export function pngFile(parts: {
  header: { width: number; height: number; depth: number; colourType: number; interlace?: number };
  rows: ArrayLike<number>;
  chunks?: readonly (readonly [string, readonly number[]])[];
  /** In place of the rows as zlib compresses them. */
  compressed?: readonly number[];
  /** Most bytes of a chunk IDAT; default: one has them all. */
  piece?: number;
}): Uint8Array {
  const { width, height, depth, colourType, interlace = 0 } = parts.header;
  const compressed = parts.compressed ? Uint8Array.from(parts.compressed) : deflateSync(Uint8Array.from(parts.rows));
  const { piece = compressed.length } = parts;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, interlace], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...(parts.chunks ?? []).map(([type, data]) => chunk(type, Buffer.from(data))),
    ...Array.from({ length: Math.ceil(compressed.length / piece) }, (_, index) =>
      chunk("IDAT", compressed.subarray(index * piece, (index + 1) * piece)),
    ),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
