import fc from "fast-check";
import { type Huffman, type JpegParts, type JpegScan, jpegFile, only, segment } from "../../../cifar/test/jpegs.ts";
import { pngFile } from "../../../cifar/test/pictures.ts";

/*
 * PNG and JPEG files that are wrong, or right and costly, in the ways that decoders have been found to mind: sizes and
 * sampling factors at their limits, scans without end, data that is read on and on, pixels that inflate to gigabytes.
 */

/** Sides of pictures, most of them small: the large ones take most of the time. */
const side = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 255, 1000, 1024, 1025) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 14, 65_535) },
);

/** Bytes of one kind, as many as there are of them. */
const data = fc
  .tuple(
    fc.constantFrom("zeros", "zeros", "zeros", "ones", "ones and no marker", "restarts", "noise"),
    fc.oneof(
      { weight: 4, arbitrary: fc.nat(50) },
      { weight: 8, arbitrary: fc.nat(20_000) },
      { weight: 1, arbitrary: fc.nat(500_000) },
    ),
    fc.nat(),
  )
  .map(([kind, length, seed]): Uint8Array => {
    const pattern = {
      zeros: [0],
      ones: [0xff, 0],
      "ones and no marker": [0x7f, 0xfe],
      restarts: [0x55, 0xff, 0xd0 + (seed % 8), 0],
      noise: Array.from({ length: 61 }, (_, index) => (seed * (index + 7)) % 251),
    }[kind]!;
    return Uint8Array.from({ length }, (_, index) => pattern[index % pattern.length]!);
  });

/** Tables in which a bit, or a few, make a coefficient, a run, the end of a band. */
const huffman: fc.Arbitrary<Huffman> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(0, 1, 5, 11, 15, 0x11, 0xe0, 0xf0, 0xf1, 0xff).map(only) },
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.nat(255), { minLength: 2, maxLength: 15 }).map((values) => ({
      counts: Array.from({ length: 16 }, (_, bits) => (bits < values.length ? 1 : 0)),
      values,
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      counts: fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }),
      values: fc.array(fc.nat(255), { maxLength: 300 }),
    }),
  },
);

const tables = fc
  .tuple(huffman, huffman, fc.constantFrom(undefined, 0x01, 0x11, 0x3f), huffman)
  .map(
    ([dc, ac, slot, other]) => new Map([[0, dc], [0x10, ac], ...(slot === undefined ? [] : [[slot, other] as const])]),
  );

const factors = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0x11, 0x21, 0x12, 0x22) },
  { weight: 2, arbitrary: fc.constantFrom(0x14, 0x41, 0x44, 0x24) },
  { weight: 1, arbitrary: fc.nat(255) },
);

const count = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(1, 3, 4) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2, 5, 255) },
);

/** What a scan should be in such a frame, so that decoders go on to its data. */
function rightScan(components: number, isProgressive: boolean): fc.Arbitrary<JpegScan> {
  const all = Array.from({ length: components }, (_, index) => [index + 1, 0] as const);
  const one = fc.integer({ min: 1, max: Math.max(1, components) }).map((id) => [[id, 0] as const]);
  if (!isProgressive) {
    return fc.record({
      selectors: fc.oneof(fc.constant(all), one),
      start: fc.constant(0),
      end: fc.constant(63),
      bits: fc.constant(0),
      data,
    });
  }
  const bits = fc.constantFrom(0, 1, 13, 0x10, 0x21, 0xdc);
  return fc.oneof(
    fc.record({ selectors: fc.constant(all), start: fc.constant(0), end: fc.constant(0), bits, data }),
    fc.record({
      selectors: one,
      start: fc.constantFrom(1, 1, 1, 6, 63),
      end: fc.constantFrom(63, 63, 63),
      bits,
      data,
    }),
  );
}

const anyScan: fc.Arbitrary<JpegScan> = fc.record({
  selectors: fc.oneof(
    fc.array(fc.tuple(fc.nat(5), fc.nat(255)), { maxLength: 5 }),
    fc.constant(Array.from({ length: 255 }, () => [1, 0] as const)),
  ),
  start: fc.nat(255),
  end: fc.constantFrom(0, 63, 64, 255),
  bits: fc.nat(255),
  data,
});

const jpegParts: fc.Arbitrary<JpegParts> = fc
  .record({
    marker: fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom(0xc0, 0xc1, 0xc2, 0xc2, 0xc2) },
      { weight: 1, arbitrary: fc.integer({ min: 0xc0, max: 0xcf }) },
    ),
    precision: fc.oneof({ weight: 20, arbitrary: fc.constant(8) }, { weight: 1, arbitrary: fc.nat(16) }),
    width: side,
    height: side,
    components: count.chain((length) => fc.array(factors, { minLength: length, maxLength: length })),
    quantization: fc.constantFrom([0], [0], [0], [0, 1, 2, 3], [1], []),
    huffman: tables,
    restartInterval: fc.constantFrom(undefined, undefined, 0, 1, 7, 65_535),
    before: fc.constantFrom(
      [],
      [],
      [segment(0xe0, Buffer.from("JFIF\0\x01\x01\0\0\x01\0\x01\0\0"))],
      [segment(0xee, [...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, 2])],
      [[0xff, 0xff, 0xff]],
      [segment(0xdc, [0, 9])],
      [segment(0xfe, new Uint8Array(60_000))],
    ),
    after: fc.constantFrom([0xff, 0xd9], [0xff, 0xd9], [0xff, 0xd9], [], [0xff, 0xd9, 0x0a], [0xff, 0xc3, 0xff]),
    scans: fc.constant([] as JpegScan[]),
  })
  .map((parts) => ({
    ...parts,
    components: parts.components.map((each, index) => [(index + 1) & 255, each, 0] as const),
  }))
  .chain((parts) =>
    fc
      .oneof(
        {
          weight: 8,
          arbitrary: fc.array(rightScan(parts.components.length, parts.marker === 0xc2), {
            minLength: 1,
            maxLength: 4,
          }),
        },
        // The same scan again and again.
        {
          weight: 2,
          arbitrary: fc
            .tuple(rightScan(parts.components.length, parts.marker === 0xc2), fc.integer({ min: 10, max: 70 }))
            .map(([scan, times]) => new Array<JpegScan>(times).fill({ ...scan, data: scan.data }))
            .filter((scans) => scans.length * scans[0]!.data.length < 2e6),
        },
        { weight: 2, arbitrary: fc.array(anyScan, { maxLength: 30 }) },
      )
      .map((scans) => ({ ...parts, scans })),
  );

const jpeg = jpegParts.map(jpegFile);

const KINDS = [
  [0, 1],
  [0, 2],
  [0, 4],
  [0, 8],
  [0, 16],
  [2, 8],
  [2, 16],
  [3, 1],
  [3, 8],
  [4, 8],
  [4, 16],
  [6, 8],
  [6, 16],
] as const;

const png = fc
  .record({
    width: fc.oneof({ weight: 20, arbitrary: side }, { weight: 1, arbitrary: fc.constantFrom(2 ** 20, 2 ** 31) }),
    height: fc.oneof({ weight: 20, arbitrary: side }, { weight: 1, arbitrary: fc.constantFrom(2 ** 20, 2 ** 31) }),
    kind: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...KINDS) },
      { weight: 1, arbitrary: fc.tuple(fc.nat(7), fc.nat(17)) },
    ),
    interlace: fc.constantFrom(0, 0, 1, 1, 2),
    filter: fc.constantFrom(0, 1, 2, 3, 4, 4, 5),
    /** Bytes of pixels, as a share of what belongs there, and beyond it. */
    share: fc.constantFrom(1, 1, 1, 1, 0.5, 0),
    more: fc.constantFrom(0, 0, 0, -1, 1, 1000, 2 ** 24),
    palette: fc.constantFrom(undefined, 3, 768, 771, 1),
    transparency: fc.constantFrom(undefined, undefined, 1, 2, 6, 300),
    piece: fc.constantFrom(undefined, undefined, 1, 100),
  })
  .map(({ width, height, kind: [colourType, depth], interlace, filter, share, more, palette, transparency, piece }) => {
    const channels = { 2: 3, 4: 2, 6: 4 }[colourType as number] ?? 1;
    const stride = 1 + Math.ceil((width * channels * depth) / 8);
    const wanted = width * height > 2 ** 20 ? 1000 : Math.max(0, Math.round(stride * height * share) + more);
    const rows = new Uint8Array(wanted);
    for (let row = 0; row < wanted; row += stride) {
      rows[row] = filter;
    }
    const chunk = (name: string, length: number | undefined) =>
      length === undefined ? [] : [[name, new Array<number>(length).fill(7)] as const];
    return pngFile({
      header: { width, height, depth, colourType, interlace },
      rows,
      chunks: [...chunk("PLTE", palette), ...chunk("tRNS", transparency)],
      ...(piece === undefined ? {} : { piece }),
    });
  });

/** A file cut off somewhere, or with a few other bytes. */
function damaged(files: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(files, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.option(fc.nat(), { freq: 3 }))
    .map(([file, changes, cut]) => {
      const copy = Uint8Array.from(cut === null ? file : file.subarray(0, 3 + (cut % file.length)));
      for (const [at, value] of changes) {
        copy[3 + (at % (copy.length - 3))] = value;
      }
      return copy;
    });
}

/** Of a file that a test has failed for, its seed and path tell more than its bytes. */
export function summary(file: Uint8Array): string {
  return `${file.length} bytes: ${Buffer.from(file.subarray(0, 48)).toString("hex")}…`;
}

export const hostilePicture: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    { weight: 8, arbitrary: jpeg },
    { weight: 1, arbitrary: damaged(jpeg) },
    { weight: 4, arbitrary: png },
    { weight: 1, arbitrary: damaged(png) },
  )
  .map((file) => Object.assign(file, { [fc.toStringMethod]: () => summary(file) }));
