import { deflateSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { decodePicture, sniffPicture } from "../src/picture/decode.js";
import { turn } from "../src/picture/orientation.js";
import { toInput } from "../src/picture/resize.js";
import { jpegOf, pngFile, pngOf } from "./pictures.js";

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

  it("that inflates to more than its header promises is stopped there", () => {
    const bomb = pngFile({ header: { width: 4, height: 4, depth: 8, colourType: 2 }, rows: new Uint8Array(2 ** 26) });
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decodePicture(bomb)).toThrowError(/more pixels than its header/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
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

describe("JPEG", () => {
  const grey = new Uint8Array(16 * 16 * 3).fill(120);

  it("comes out with its size and, where it is even, its colour", () => {
    const picture = decodePicture(jpegOf({ width: 16, height: 16, data: grey }));
    expect([picture.width, picture.height]).toEqual([16, 16]);
    for (const value of picture.data) expect(Math.abs(value - 120)).toBeLessThanOrEqual(1);
  });

  it("that claims 65,535 × 65,535 pixels is refused by its header", () => {
    const bytes = Uint8Array.from(jpegOf({ width: 16, height: 16, data: grey }));
    const frame = bytes.findIndex((byte, index) => byte === 0xff && bytes[index + 1] === 0xc0);
    bytes.fill(0xff, frame + 5, frame + 9);
    expect(() => decodePicture(bytes)).toThrowError(expect.objectContaining({ code: "PICTURE_TOO_LARGE" }));
  });

  it.each([
    ["cut off", (bytes: Uint8Array) => bytes.subarray(0, 300)],
    ["cut off within its pixels", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 40)],
    ["that is a header and nothing more", () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)],
    ["with garbage in its tables", (bytes: Uint8Array) => bytes.map((byte, index) => (index > 160 ? 0x55 : byte))],
  ])("%s is refused", (_, damage) => {
    const noise = Uint8Array.from({ length: 16 * 16 * 3 }, (_, index) => (index * 7919) % 251);
    const bytes = damage(Uint8Array.from(jpegOf({ width: 16, height: 16, data: noise })));
    expect(() => decodePicture(bytes)).toThrowError(expect.objectContaining({ code: "INVALID_PICTURE" }));
  });

  it("with more scans than any program writes is refused before they are decoded", () => {
    const bytes = jpegOf({ width: 16, height: 16, data: grey });
    const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    const many = Uint8Array.from([
      ...bytes.subarray(0, -2),
      ...Array.from({ length: 70 }, () => scan).flat(),
      0xff,
      0xd9,
    ]);
    expect(() => decodePicture(many)).toThrowError(/71 scans/);
  });

  it("is turned the way its camera was held", () => {
    const left = Uint8Array.from({ length: 16 * 8 * 3 }, (_, index) => (Math.floor(index / 3) % 16 < 8 ? 20 : 220));
    const plain = jpegOf({ width: 16, height: 8, data: left });
    // Exif with the one tag 0x0112 = 6: turned by a quarter clockwise to be upright.
    const exif = [
      0xff,
      0xe1,
      0,
      34,
      ...Buffer.from("Exif\0\0MM"),
      0,
      42,
      0,
      0,
      0,
      8,
      0,
      1,
      1,
      0x12,
      0,
      3,
      0,
      0,
      0,
      1,
      0,
      6,
      0,
      0,
      0,
      0,
      0,
      0,
    ];
    const picture = decodePicture(Uint8Array.from([0xff, 0xd8, ...exif, ...plain.subarray(2)]));
    expect([picture.width, picture.height]).toEqual([8, 16]);
    expect(picture.data[0]).toBeLessThan(60);
    expect(picture.data[15 * 8 * 3]).toBeGreaterThan(180);
  });
});

describe("turn", () => {
  // a b c
  // d e f
  const data = Uint8Array.from([..."abcdef"].flatMap((letter) => Array(3).fill(letter.charCodeAt(0))));
  const letters = (orientation: number) => {
    const turned = turn({ width: 3, height: 2, data }, orientation);
    const text = Array.from({ length: 6 }, (_, n) => String.fromCharCode(turned.data[n * 3]!)).join("");
    return `${text.slice(0, turned.width)}/${text.slice(turned.width)}`;
  };

  it.each([
    [1, "abc/def"],
    [2, "cba/fed"],
    [3, "fed/cba"],
    [4, "def/abc"],
    [5, "ad/becf"],
    [6, "da/ebfc"],
    [7, "fc/ebda"],
    [8, "cf/bead"],
  ])("sets orientation %i upright", (orientation, expected) => {
    expect(letters(orientation)).toBe(expected);
  });
});

describe("toInput", () => {
  it("leaves a picture of the right size as it is", () => {
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, index) => (index * 31) % 256);
    expect(toInput({ width: 32, height: 32, data }, 32)).toEqual(data);
  });

  it("averages over the area of each new pixel, parts of old pixels included", () => {
    const data = Uint8Array.from([0, 90, 240].flatMap((value) => Array(9).fill(value)));
    // 3 rows become 2: (0 + 90/2) / 1.5 = 30 and (90/2 + 240) / 1.5 = 190.
    const input = toInput({ width: 3, height: 3, data }, 2);
    expect([...input]).toEqual([...Array(6).fill(30), ...Array(6).fill(190)]);
  });

  it("takes the square in the centre", () => {
    const data = Uint8Array.from({ length: 8 * 4 * 3 }, (_, index) => {
      const x = Math.floor(index / 3) % 8;
      return x >= 2 && x < 6 ? 200 : 0;
    });
    expect(toInput({ width: 8, height: 4, data }, 2).every((value) => value === 200)).toBe(true);
  });

  it("enlarges smaller pictures without steps", () => {
    const data = Uint8Array.from([0, 0, 0, 200, 200, 200, 0, 0, 0, 200, 200, 200]);
    const input = toInput({ width: 2, height: 2, data }, 8);
    const row = Array.from({ length: 8 }, (_, x) => input[x * 3]!);
    expect(row).toEqual([0, 0, 25, 75, 125, 175, 200, 200]);
  });

  it("of a single pixel is all of that colour", () => {
    expect(new Set(toInput({ width: 1, height: 1, data: Uint8Array.of(9, 9, 9) }, 32))).toEqual(new Set([9]));
  });
});

describe("sniffPicture", () => {
  it("tells pictures by their first bytes", () => {
    expect(sniffPicture(pngOf({ width: 6, height: 4, data: RAMP }))).toBe("image/png");
    expect(sniffPicture(jpeg.encode({ width: 8, height: 8, data: new Uint8Array(256) }).data)).toBe("image/jpeg");
    expect(sniffPicture(new TextEncoder().encode("PNG"))).toBeUndefined();
  });

  it.each([
    ["an empty file", ""],
    ["a GIF", "GIF89a......"],
    ["an SVG or XML text", "<svg xmlns"],
    ["a WebP", "RIFF\x01\x02\x03\x04WEBPVP8 "],
    ["a zip archive", "PK\x03\x04\x14"],
    ["a text", "hello"],
    ["bytes that start with 00 65", "\x00ello"],
  ])("lets the refusal of other files say what was found: %s", (what, text) => {
    expect(() => decodePicture(Uint8Array.from(text, (letter) => letter.charCodeAt(0)))).toThrowError(
      expect.objectContaining({ code: "INVALID_PICTURE", message: expect.stringContaining(what) }),
    );
  });
});
