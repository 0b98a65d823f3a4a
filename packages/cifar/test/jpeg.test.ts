import { readFileSync } from "node:fs";
import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { checkPicture, decodePicture } from "../src/picture/decode.js";
import { jpegFile, manyScans, segment, TINY } from "./jpegs.js";
import { jpegOf } from "./pictures.js";

function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url));
}

/** With other numbers for its three components, in frame and scan. */
function renamed(bytes: Uint8Array, ids: string): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const find = (marker: number) => copy.findIndex((byte, at) => byte === 0xff && copy[at + 1] === marker);
  for (const [index, letter] of Array.from(ids).entries()) {
    copy[find(0xc0) + 10 + 3 * index] = letter.charCodeAt(0);
    copy[find(0xda) + 5 + 2 * index] = letter.charCodeAt(0);
  }
  return copy;
}

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
    expect(() => checkPicture(manyScans({ side: 8, components: 1, scans: 65 }))).toThrowError(/more than 64 scans/);
    expect(checkPicture(manyScans({ side: 8, components: 1, scans: 64 }))).toMatchObject({ width: 8 });
  });

  it("that is a few bytes of a progressive frame with sampling factors of 15 is refused", () => {
    const bytes = Buffer.from("ffd8ffc2000e080010ffff02011f00021c00ffd9", "hex");
    expect(() => decodePicture(bytes)).toThrowError(expect.objectContaining({ code: "INVALID_PICTURE" }));
  });

  it("that is 12 kB of scans with 255 selectors and coefficients up to 255 is refused", () => {
    const selectors = Array.from({ length: 255 }, () => [1, 0] as const);
    const bomb = jpegFile({
      ...TINY,
      marker: 0xc2,
      width: 1024,
      height: 1024,
      scans: Array.from({ length: 24 }, () => ({ selectors, start: 1, end: 255, bits: 0, data: [0] })),
    });
    expect(bomb.length).toBeGreaterThan(12_000);
    expect(() => decodePicture(bomb)).toThrowError(expect.objectContaining({ code: "INVALID_PICTURE" }));
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

  it.each([
    ["one line feed", [0x0a]],
    ["NULs", new Array<number>(15).fill(0)],
    ["a film", [...Buffer.from("ftypmp42"), ...new Array<number>(2000).fill(0x5a)]],
    ["another JPEG", [...jpegOf({ width: 16, height: 16, data: grey.map((value) => value + 50) })]],
  ])("with %s after its end is the same picture", (_, after) => {
    const bytes = jpegOf({ width: 16, height: 16, data: grey });
    expect(decodePicture(Uint8Array.from([...bytes, ...after]))).toEqual(decodePicture(bytes));
  });

  it("in grey with restarts in its last row is read to its end", () => {
    // Three blocks of two bits each, the bytes filled up with ones: DC as before, no AC.
    const file = jpegFile({
      ...TINY,
      width: 24,
      height: 8,
      restartInterval: 2,
      scans: [{ ...TINY.scans[0]!, data: [0x0f, 0xff, 0xd0, 0x3f] }],
    });
    expect(decodePicture(file)).toEqual({ width: 24, height: 8, data: new Uint8Array(24 * 8 * 3).fill(128) });
  });

  it("whose restart interval is longer than the picture is read as one without restarts", () => {
    const file = jpegFile({ ...TINY, restartInterval: 100, scans: [{ ...TINY.scans[0]!, data: [0x3f, 0x55] }] });
    expect(decodePicture(file)).toEqual(decodePicture(jpegFile(TINY)));
  });

  // What Chromium 156 shows of them.
  it.each([
    ["rgb-adobe0.jpg", "red, green and blue, as Adobe's segment says", [76, 85, 255]],
    ["cmyk-adobe0.jpg", "four inks", [76, 66, 73]],
    ["ycck-adobe2.jpg", "luma, chroma and black", [60, 65, 71]],
  ])("%s: has its colours from %s", (name, _, colour) => {
    expect([...decodePicture(fixture(name)).data.subarray(0, 3)]).toEqual(colour);
  });

  it("has its colours from its components' names where no segment says what they are", () => {
    const rgb = fixture("rgb-adobe0.jpg");
    const bare = Uint8Array.from([...rgb.subarray(0, 2), ...rgb.subarray(18)]);
    const first = (bytes: Uint8Array) => [...decodePicture(bytes).data.subarray(0, 3)];
    const named = renamed(bare, "RGB");
    expect(first(named)).toEqual([76, 85, 255]);
    expect(first(renamed(bare, "\x01\x02\x03"))).toEqual([254, 0, 0]);
    const jfif = segment(0xe0, [...Buffer.from("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0]);
    expect(first(Uint8Array.from([0xff, 0xd8, ...jfif, ...named.subarray(2)]))).toEqual([254, 0, 0]);
    expect(first(Uint8Array.from([0xff, 0xd8, ...jfif, ...rgb.subarray(2)]))).toEqual([254, 0, 0]);
  });

  it("of four inks without a word of Adobe's is read as with it", () => {
    const inks = fixture("cmyk-adobe0.jpg");
    const bare = Uint8Array.from([...inks.subarray(0, 2), ...inks.subarray(18)]);
    expect(decodePicture(bare)).toEqual(decodePicture(inks));
  });

  it("with many blocks comes out as jpeg-js alone decodes it, and leaves no trace", () => {
    const side = 400;
    const data = Uint8Array.from({ length: side * side * 3 }, (_, index) => (index * 7919) % 251);
    const bytes = jpegOf({ width: side, height: side, data });
    const before = Int32Array;
    const alone = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
    expect(Buffer.from(decodePicture(bytes).data).equals(alone.data)).toBe(true);
    expect(() => decodePicture(manyScans({ side, components: 3, scans: 1, data: [] }))).toThrowError(
      /cannot be decoded/,
    );
    expect(Int32Array).toBe(before);
  });
});
