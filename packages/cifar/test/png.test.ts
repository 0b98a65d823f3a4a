import { constants, deflateSync } from "node:zlib";
import { decode as decodePng, encode as encodePng } from "fast-png";
import { describe, expect, it } from "vitest";
import { checkPicture, decodePicture } from "../src/picture/decode.js";
import { pngFile, pngOf } from "./pictures.js";

/** A ramp of 6×4 pixels, different in each channel. */
const RAMP = Uint8Array.from({ length: 6 * 4 * 3 }, (_, index) => (index * 37) % 256);

describe("PNG", () => {
  it("comes out byte for byte with 8 bits a colour", () => {
    expect(decodePicture(pngOf({ width: 6, height: 4, data: RAMP }))).toEqual({ width: 6, height: 4, data: RAMP });
  });

  it("with 16 bits a colour is rounded to 8", () => {
    const data = Uint16Array.from([0, 65535, 257 * 100, 257 * 100 + 100, 257 * 100 + 200, 30000]);
    const picture = decodePicture(encodePng({ width: 2, height: 1, depth: 16, channels: 3, data }));
    expect([...picture.data]).toEqual([0, 255, 100, 100, 101, 117]);
  });

  it("in grey becomes three equal colours", () => {
    const picture = decodePicture(encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 200) }));
    expect([...picture.data]).toEqual([7, 7, 7, 200, 200, 200]);
  });

  it("is laid over white where it is transparent, in grey and in colour", () => {
    const colour = encodePng({ width: 2, height: 1, channels: 4, data: Uint8Array.of(10, 20, 30, 0, 0, 0, 0, 51) });
    expect([...decodePicture(colour).data]).toEqual([255, 255, 255, 204, 204, 204]);
    const grey = encodePng({ width: 1, height: 1, channels: 2, data: Uint8Array.of(100, 255) });
    expect([...decodePicture(grey).data]).toEqual([100, 100, 100]);
  });

  it("with a palette takes its colours and their transparency", () => {
    const bytes = pngFile({
      header: { width: 3, height: 2, depth: 8, colourType: 3 },
      rows: [0, 0, 1, 2, 0, 2, 1, 0],
      chunks: [
        ["PLTE", [255, 0, 0, 0, 255, 0, 0, 0, 0]],
        ["tRNS", [255, 0]],
      ],
    });
    expect([...decodePicture(bytes).data]).toEqual([
      255, 0, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0,
    ]);
  });

  it.each([1, 2, 4])("with %i bits a pixel starts each row at a new byte", (depth) => {
    const width = 5;
    const values = [0, 1, 0, 1, 1, 1, 0, 0, 0, 1];
    const rows: number[] = [];
    for (let y = 0; y < 2; y++) {
      const bits = values.slice(y * width, (y + 1) * width).map((value) => value.toString(2).padStart(depth, "0"));
      const packed = bits.join("").padEnd(Math.ceil((width * depth) / 8) * 8, "0");
      rows.push(0, ...(packed.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
    }
    const bytes = pngFile({ header: { width, height: 2, depth, colourType: 0 }, rows });
    const scale = 255 / (2 ** depth - 1);
    const { data } = decodePicture(bytes);
    expect(Array.from({ length: 10 }, (_, pixel) => data[pixel * 3])).toEqual(values.map((value) => value * scale));
  });

  it.each([1, 8])("that is interlaced, %i bits a pixel, has every pixel in its place", (depth) => {
    const [width, height] = [9, 7];
    const value = (x: number, y: number) => (depth === 1 ? (x * y + x) & 1 : (x * 23 + y * 41) & 255);
    const rows: number[] = [];
    const passes = [
      [0, 0, 8, 8],
      [4, 0, 8, 8],
      [0, 4, 4, 8],
      [2, 0, 4, 4],
      [0, 2, 2, 4],
      [1, 0, 2, 2],
      [0, 1, 1, 2],
    ] as const;
    for (const [x0, y0, dx, dy] of passes) {
      for (let y = y0; y < height; y += dy) {
        let bits = "";
        for (let x = x0; x < width; x += dx) bits += value(x, y).toString(2).padStart(depth, "0");
        if (bits === "") continue;
        rows.push(
          0,
          ...(bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)),
        );
      }
    }
    const bytes = pngFile({ header: { width, height, depth, colourType: 0, interlace: 1 }, rows });
    const { data } = decodePicture(bytes);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        expect(data[(y * width + x) * 3]).toBe(depth === 1 ? value(x, y) * 255 : value(x, y));
      }
    }
  });

  it("that claims 100,000 × 100,000 pixels in 200 bytes is refused by its header", () => {
    const bytes = pngFile({ header: { width: 100_000, height: 100_000, depth: 8, colourType: 2 }, rows: [0] });
    expect(bytes.length).toBeLessThan(200);
    expect(() => decodePicture(bytes)).toThrowError(
      expect.objectContaining({ code: "PICTURE_TOO_LARGE", message: expect.stringContaining("100000×100000") }),
    );
  });

  it("with a row too many, or a million, is read as browsers read it: what is left over is never inflated", () => {
    const header = { width: 4, height: 4, depth: 8, colourType: 2 };
    const rows = Array.from({ length: 4 * 13 }, (_, index) => (index % 13 === 0 ? 0 : index));
    const right = decodePicture(pngFile({ header, rows }));
    expect(decodePicture(pngFile({ header, rows: [...rows, 7] }))).toEqual(right);
    expect(decodePicture(pngFile({ header, rows: [...rows, ...new Array<number>(13).fill(0)] }))).toEqual(right);
    const bomb = new Uint8Array(2 ** 26);
    bomb.set(rows);
    const file = pngFile({ header, rows: bomb });
    expect(file.length).toBeLessThan(100_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(decodePicture(file)).toEqual(right);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });

  it("whose compressed data are broken after its pixels is read where that is far behind them, or else refused", () => {
    const header = { width: 4, height: 4, depth: 8, colourType: 2 };
    const rows = Array.from({ length: 52 }, (_, index) => (index % 13 === 0 ? 0 : index));
    const brokenAfter = (more: number) => {
      // Six bits of noise in each byte, so that it is neither stored nor repeated.
      const noise = Array.from({ length: more }, (_, index) => Math.imul(index * index, 2_654_435_761) >>> 26);
      const open = deflateSync(Uint8Array.from([...rows, ...noise]), { finishFlush: constants.Z_SYNC_FLUSH });
      // A block of a type that there is not.
      const compressed = [...open, 7, 0, 0, 0, 0];
      return pngFile({ header, rows: [], compressed });
    };
    expect(decodePicture(brokenAfter(5000))).toEqual(decodePicture(pngFile({ header, rows })));
    expect(() => decodePicture(brokenAfter(100))).toThrowError(
      expect.objectContaining({ code: "INVALID_PICTURE", message: expect.stringMatching(/decompressed/) }),
    );
  });

  it("whose compressed data are cut off after its pixels, within a block that is stored, is refused", () => {
    const stored = [...deflateSync(new Uint8Array(20_000), { level: 0 })].slice(0, 5000);
    const file = pngFile({ header: { width: 4, height: 4, depth: 8, colourType: 2 }, rows: [], compressed: stored });
    expect(() => decodePicture(file)).toThrowError(/decompressed/);
  });

  it("with exactly the pixels of its header is read, with one byte fewer it is refused", () => {
    const header = { width: 4, height: 4, depth: 8, colourType: 2 };
    const rows = new Array<number>(4 * 13).fill(0);
    expect(decodePicture(pngFile({ header, rows })).data).toEqual(new Uint8Array(48));
    expect(() => decodePicture(pngFile({ header, rows: rows.slice(1) }))).toThrowError(/fewer pixels/);
  });

  it("may have its pixels in as many chunks as it likes", () => {
    const file = pngFile({
      header: { width: 2, height: 1, depth: 8, colourType: 2 },
      rows: [0, 1, 2, 3, 4, 5, 6],
      piece: 1,
    });
    expect([...decodePicture(file).data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("is transparent where its pixels have the colour of tRNS, whose samples have their big end first", () => {
    const file = pngFile({
      header: { width: 3, height: 1, depth: 16, colourType: 2 },
      // The colour, the colour with its bytes turned, and one whose blue alone is another.
      rows: [0, 1, 2, 3, 4, 5, 6, 2, 1, 4, 3, 6, 5, 1, 2, 3, 4, 5, 7],
      chunks: [["tRNS", [1, 2, 3, 4, 5, 6]]],
    });
    expect([...decodePicture(file).data]).toEqual([255, 255, 255, 2, 4, 6, 1, 3, 5]);
    const grey = pngFile({
      header: { width: 2, height: 1, depth: 8, colourType: 0 },
      rows: [0, 7, 8],
      chunks: [["tRNS", [0, 7]]],
    });
    expect([...decodePicture(grey).data]).toEqual([255, 255, 255, 8, 8, 8]);
  });

  it.each([
    [8, 2],
    [16, 6],
    [1, 0],
  ])("of many rows, %i bits a sample, comes out as fast-png decodes it in one go", (depth, colourType) => {
    const [width, height, channels] = [depth === 1 ? 3001 : 101, 1001, colourType === 0 ? 1 : colourType === 2 ? 3 : 4];
    const stride = 1 + Math.ceil((width * channels * depth) / 8);
    // Every filter in turn, so that rows lean on those before them across all cuts.
    const rows = Uint8Array.from({ length: height * stride }, (_, index) => {
      const [row, at] = [Math.floor(index / stride), index % stride];
      return at === 0 ? (row * 3 + 2) % 5 : (row * 31 + at * at * 7) & 255;
    });
    const bytes = pngFile({ header: { width, height, depth, colourType }, rows });
    const whole = decodePng(bytes);
    const { data } = decodePicture(bytes);
    const largest = 2 ** depth - 1;
    const packed = Math.ceil((width * depth) / 8);
    const sample = (pixel: number, channel: number) => {
      if (depth > 1) return whole.data[pixel * channels + channel]! / largest;
      const [row, column] = [Math.floor(pixel / width), pixel % width];
      return (whole.data[row * packed + (column >> 3)]! >> (7 - (column & 7))) & 1;
    };
    const expected = Uint8Array.from({ length: data.length }, (_, index) => {
      const pixel = Math.floor(index / 3);
      const opacity = channels === 4 ? sample(pixel, 3) : 1;
      return Math.round(255 * (sample(pixel, channels === 1 ? 0 : index % 3) * opacity + 1 - opacity));
    });
    expect(Buffer.from(data).equals(expected)).toBe(true);
  });

  it("that is one row of a million pixels, or a million rows of one, is decoded or refused by what it costs", () => {
    const options = { maxPixels: 2 ** 20 };
    const side = 2 ** 20;
    const tall = { width: 1, height: side, depth: 8, colourType: 0, interlace: 1 };
    const wide = { width: side, height: 1, depth: 16, colourType: 6 };
    expect(checkPicture(pngFile({ header: tall, rows: [] }), options).cost.milliseconds).toBeGreaterThan(100);
    expect(() => checkPicture(pngFile({ header: wide, rows: [] }), options)).toThrowError(
      expect.objectContaining({ code: "PICTURE_TOO_LARGE", message: expect.stringMatching(/takes \d+ MB, but/) }),
    );
  });

  it("with a colour profile that cannot be inflated is read, as profiles are passed over", () => {
    const profile = [112, 0, 0, ...deflateSync(new Uint8Array(2 ** 20)).subarray(0, 100)];
    const bytes = pngFile({
      header: { width: 1, height: 1, depth: 8, colourType: 2 },
      rows: [0, 1, 2, 3],
      chunks: [["iCCP", profile]],
    });
    expect([...decodePicture(bytes).data]).toEqual([1, 2, 3]);
  });

  it.each([
    ["cut off", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 20), /cut off/],
    ["with a byte changed", (bytes: Uint8Array) => bytes.with(45, bytes[45]! ^ 1), /checksum/],
    [
      "with an unknown colour type",
      () => pngFile({ header: { width: 1, height: 1, depth: 8, colourType: 5 }, rows: [0] }),
      /header/,
    ],
    [
      "with too few pixels",
      () => pngFile({ header: { width: 9, height: 9, depth: 8, colourType: 0 }, rows: [0, 1] }),
      /fewer pixels/,
    ],
    [
      "without a palette",
      () => pngFile({ header: { width: 1, height: 1, depth: 8, colourType: 3 }, rows: [0, 0] }),
      /palette/,
    ],
    [
      "with a colour that is not in its palette",
      () =>
        pngFile({
          header: { width: 1, height: 1, depth: 8, colourType: 3 },
          rows: [0, 9],
          chunks: [["PLTE", [1, 2, 3]]],
        }),
      /not in its palette/,
    ],
    ["of no width", () => pngFile({ header: { width: 0, height: 9, depth: 8, colourType: 0 }, rows: [0] }), /0×9/],
    [
      "with an unknown filter",
      () => pngFile({ header: { width: 1, height: 1, depth: 8, colourType: 0 }, rows: [9, 9] }),
      /rows/,
    ],
  ])("%s is refused with the reason", (_, damage, reason) => {
    const bytes = damage(pngOf({ width: 6, height: 4, data: RAMP }));
    expect(() => decodePicture(bytes)).toThrowError(
      expect.objectContaining({ code: "INVALID_PICTURE", message: expect.stringMatching(reason) }),
    );
  });
});
