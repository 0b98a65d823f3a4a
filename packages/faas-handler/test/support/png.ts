import { crc32, deflateSync } from "node:zlib";

export interface PngOptions {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of each pixel; default: one grey. */
  readonly pixels?: Uint8Array;
  /** Bytes to deflate in place of the rows that belong there. */
  readonly rows?: Uint8Array;
  /** Chunks between header and pixels, as name and content. */
  readonly extra?: readonly (readonly [string, Uint8Array])[];
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A PNG file (8 bits, RGB), valid unless the options make it lie. */
export function encodePng({ width, height, pixels, rows, extra = [] }: PngOptions): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return new Uint8Array(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk("IHDR", header),
      ...extra.map(([name, data]) => chunk(name, data)),
      chunk("IDAT", deflateSync(rows ?? filtered(width, height, pixels))),
      chunk("IEND", new Uint8Array(0)),
    ]),
  );
}

/** Rows with the byte before each that says "not filtered". */
function filtered(
  width: number,
  height: number,
  pixels: Uint8Array = new Uint8Array(width * height * 3).fill(128),
): Uint8Array {
  const rows = new Uint8Array(height * (1 + width * 3));
  for (let row = 0; row < height; row++) {
    rows.set(pixels.subarray(row * width * 3, (row + 1) * width * 3), row * (1 + width * 3) + 1);
  }
  return rows;
}

/** A picture of noise that looks different for each seed: about as large as a compressed picture of that size can be. */
export function noise(width: number, height: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
