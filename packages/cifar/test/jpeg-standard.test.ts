import { describe, expect, it } from "vitest";
import { checkPicture, decodePicture } from "../src/picture/decode.js";
import { type JpegParts, type JpegScan, jpegFile, manyScans, segment, TINY } from "./jpegs.js";

/** The same with three components. */
const THREE: Pick<JpegParts, "components" | "scans"> = {
  components: [1, 2, 3].map((id) => [id, 0x11, 0] as const),
  scans: [{ ...TINY.scans[0]!, selectors: [1, 2, 3].map((id) => [id, 0] as const), data: [0, 0x3f] }],
};

function progressive(scan: Partial<JpegScan>, components = 1): Pick<JpegParts, "marker" | "scans"> {
  const selectors = Array.from({ length: components }, (_, index) => [index + 1, 0] as const);
  return { marker: 0xc2, scans: [{ ...TINY.scans[0]!, selectors, ...scan }] };
}

const ZEROS = (length: number) => new Array<number>(length).fill(0);

describe("what the standard forbids in a JPEG", () => {
  const [scan] = TINY.scans;
  const refused: readonly (readonly [string, Partial<JpegParts>, RegExp])[] = [
    ["12 bits a sample", { precision: 12 }, /12 bits/],
    [
      "two components",
      {
        components: [
          [1, 0x11, 0],
          [2, 0x11, 0],
        ],
      },
      /2 components/,
    ],
    ["five components", { components: [1, 2, 3, 4, 5].map((id) => [id, 0x11, 0] as const) }, /5 components/],
    ["two components of one number", { components: [1, 2, 2].map((id) => [id, 0x11, 0] as const) }, /same number/],
    [
      "a sampling factor of 5",
      {
        components: [
          [1, 0x51, 0],
          [2, 0x11, 0],
          [3, 0x11, 0],
        ],
      },
      /5×1/,
    ],
    [
      "a sampling factor of 0",
      {
        components: [
          [1, 0x01, 0],
          [2, 0x11, 0],
          [3, 0x11, 0],
        ],
      },
      /0×1/,
    ],
    [
      "sampling factors of 2 and 3",
      {
        components: [
          [1, 0x31, 0],
          [2, 0x21, 0],
          [3, 0x11, 0],
        ],
      },
      /divide/,
    ],
    ["quantization table 4", { components: [[1, 0x11, 4]] }, /table 4/],
    ["a quantization table that is missing", { quantization: [1] }, /table 0 is missing/],
    ["a quantization table that is cut off", { before: [segment(0xdb, [0, 1, 2])] }, /cut off/],
    ["a Huffman table that is cut off", { before: [segment(0xc4, [0, 1, 2])] }, /cut off/],
    ["three Huffman codes of one bit", { before: [segment(0xc4, [0, 3, ...ZEROS(15), 1, 2, 3])] }, /more codes/],
    ["a Huffman table of class 2", { before: [segment(0xc4, [0x20, ...ZEROS(16)])] }, /2\/0/],
    ["a DC difference of 16 bits", { before: [segment(0xc4, [0, 1, ...ZEROS(15), 16])] }, /no coefficient has/],
    ["a restart interval of one byte", { before: [segment(0xdd, [1])] }, /restart interval/],
    ["a scan before the frame", { before: [segment(0xda, [1, 1, 0, 0, 63, 0])] }, /before the frame/],
    ["no scan", { scans: [] }, /no scan/],
    ["a scan of no component", { scans: [{ ...scan!, selectors: [] }] }, /0 components/],
    [
      "a scan of more components than there are",
      {
        scans: [
          {
            ...scan!,
            selectors: [
              [1, 0],
              [1, 0],
            ],
          },
        ],
      },
      /2 components/,
    ],
    ["a selector that no component has", { scans: [{ ...scan!, selectors: [[9, 0]] }] }, /component 9/],
    ["a Huffman table that is missing", { scans: [{ ...scan!, selectors: [[1, 0x30]] }] }, /0\/3 is missing/],
    ["coefficients up to 64", { scans: [{ ...scan!, end: 64 }] }, /0 to 64/],
    ["coefficients that end before they start", { scans: [{ ...scan!, start: 5, end: 4 }] }, /5 to 4/],
    ["DC and AC in one progressive scan", progressive({ start: 0, end: 5 }), /mixes/],
    ["bits that are refined before they are there", progressive({ start: 1, end: 5, bits: 0x21 + 1 }), /bits 2 to 2/],
    ["14 bits left for later", progressive({ start: 1, end: 5, bits: 14 }), /bits 0 to 14/],
    ["AC coefficients of three components", { ...THREE, ...progressive({ start: 1, end: 5 }, 3) }, /of 3 components/],
    [
      "a component twice in a scan",
      {
        ...THREE,
        scans: [
          {
            ...scan!,
            selectors: [
              [1, 0],
              [1, 0],
              [2, 0],
            ],
          },
        ],
      },
      /twice/,
    ],
    ["12 blocks in a unit", { ...THREE, components: [1, 2, 3].map((id) => [id, 0x22, 0] as const) }, /12 blocks/],
    ["a second frame", { after: [...segment(0xc0, [8, 0, 8, 0, 8, 1, 1, 0x11, 0]), 0xff, 0xd9] }, /two frames/],
    ["a frame of no height", { height: 0 }, /8×0 pixels/],
    ["a frame that is cut off", { components: [], before: [segment(0xc0, [8, 0, 8])] }, /frame header is cut off/],
    ["arithmetic coding", { marker: 0xc9 }, /arithmetically/],
    ["a lossless frame", { marker: 0xc3 }, /lossless/],
    ["a segment that nobody knows", { before: [segment(0xf0, [1, 2])] }, /fff0/],
    ["a segment shorter than its length", { before: [[0xff, 0xe5, 0, 1]] }, /1 bytes/],
    ["no end", { after: [] }, /cut off/],
  ];

  it.each(refused)("%s: is refused with the reason", (_, change, reason) => {
    expect(() => decodePicture(jpegFile({ ...TINY, ...change }))).toThrowError(
      expect.objectContaining({ code: "INVALID_PICTURE", message: expect.stringMatching(reason) }),
    );
  });

  it("is all that was wrong with them", () => {
    expect(decodePicture(jpegFile(TINY)).data).toEqual(new Uint8Array(8 * 8 * 3).fill(128));
    expect(decodePicture(jpegFile({ ...TINY, ...THREE })).width).toBe(8);
    expect(decodePicture(jpegFile({ ...TINY, ...progressive({ start: 1, end: 5 }) })).width).toBe(8);
  });
});

describe("what a JPEG may cost", () => {
  const options = { maxPixels: 2 ** 20 };

  it("lets the most costly honest pictures through", () => {
    // A megapixel of noise at the highest quality: 2 MB of compressed data, three components, ten scans.
    const noise = (components: number) =>
      manyScans({ side: 1024, components, scans: 10, data: new Uint8Array(2e6 / 10) });
    expect(checkPicture(noise(3), options).cost.milliseconds).toBeGreaterThan(200);
    expect(checkPicture(noise(4), options).cost.bytes).toBeGreaterThan(40 * 2 ** 20);
  });

  it.each([
    [
      "scans that pass over all blocks again and again",
      manyScans({ side: 1024, components: 4, scans: 64, data: new Uint8Array(1e4) }),
    ],
    ["scans that read many bits", manyScans({ side: 1024, components: 1, scans: 64, data: new Uint8Array(1e5) })],
  ])("refuses %s", (_, bytes) => {
    expect(() => checkPicture(bytes, options)).toThrowError(
      expect.objectContaining({ code: "PICTURE_TOO_LARGE", message: expect.stringMatching(/takes about \d+ ms, but/) }),
    );
  });

  it("refuses few pixels in many blocks, or in many rows, by the memory that they take", () => {
    const four = [1, 2, 3, 4].map((id) => [id, 0x44, 0] as const);
    const three = [1, 2, 3].map((id) => [id, 0x11, 0] as const);
    for (const [width, components] of [
      [1, four],
      [16, three],
    ] as const) {
      const bytes = jpegFile({ ...TINY, width, height: 65_535, components });
      expect(() => checkPicture(bytes, options)).toThrowError(
        expect.objectContaining({ code: "PICTURE_TOO_LARGE", message: expect.stringMatching(/takes \d+ MB, but/) }),
      );
    }
  });
});
