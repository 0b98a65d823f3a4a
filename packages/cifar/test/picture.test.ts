import jpeg from "jpeg-js";
import { describe, expect, it } from "vitest";
import { decodePicture, sniffPicture } from "../src/picture/decode.js";
import { turn } from "../src/picture/jpeg/orientation.js";
import { toInput } from "../src/picture/resize.js";
import { jpegOf, pngOf } from "./pictures.js";

/** A ramp of 6×4 pixels, different in each channel. */
const RAMP = Uint8Array.from({ length: 6 * 4 * 3 }, (_, index) => (index * 37) % 256);

describe("maxPixels", () => {
  it.each([
    ["a PNG", pngOf({ width: 6, height: 4, data: RAMP })],
    ["a JPEG", jpegOf({ width: 6, height: 4, data: RAMP })],
  ])("lets %s of exactly so many pixels through, and none of one more", (_, bytes) => {
    expect(decodePicture(bytes, { maxPixels: 24 })).toMatchObject({ width: 6, height: 4 });
    expect(() => decodePicture(bytes, { maxPixels: 23 })).toThrowError(
      expect.objectContaining({ code: "PICTURE_TOO_LARGE", message: expect.stringContaining("6×4 pixels") }),
    );
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
