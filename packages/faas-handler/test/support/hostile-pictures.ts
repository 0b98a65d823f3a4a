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
      { weight: 2, arbitrary: fc.nat(50) },
      { weight: 8, arbitrary: fc.integer({ min: 2000, max: 20_000 }) },
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

/** Codes of a bit each, or of 1, 2, 3 … bits, in which a bit or a few make a coefficient, a run, the end of a band. */
function huffman(most: number, single: readonly number[]): fc.Arbitrary<Huffman> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...single).map(only) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.nat(most), { minLength: 2, maxLength: 15 }).map((values) => ({
        counts: Array.from({ length: 16 }, (_, bits) => (bits < values.length ? 1 : 0)),
        values,
      })),
    },
  );
}

const tables = fc
  .tuple(huffman(15, [0, 0, 1, 5, 11, 15]), huffman(255, [0, 1, 1, 0x11, 0x0f, 0xe0, 0xe0, 0xf0, 0xf1, 0xff]))
  .map(
    ([dc, ac]) =>
      new Map([
        [0, dc],
        [0x10, ac],
      ] as const),
  );

/** Sampling factors that go together. */
const factors = fc
  .tuple(
    fc.constantFrom(1, 3, 3, 4),
    fc.constantFrom([0x11, 0x11], [0x11, 0x11], [0x21, 0x11], [0x22, 0x11], [0x44, 0x11], [0x44, 0x44], [0x42, 0x21]),
  )
  .map(([count, [luma, others]]) => Array.from({ length: count }, (_, index) => (index === 0 ? luma! : others!)));

const bits = fc.constantFrom(0, 0, 1, 13, 0x10, 0x10, 0x10, 0x21, 0xdc);

/** Scans that may be in such a frame, so that decoders go on to their data. */
function rightScan(all: readonly number[], isProgressive: boolean): fc.Arbitrary<JpegScan> {
  const ids = all.map((_, index) => [index + 1, 0] as const);
  const blocks = all.reduce((sum, each) => sum + (each >> 4) * (each & 15), 0);
  const one = fc.constantFrom(...ids).map((id) => [id]);
  const several = blocks > 10 ? one : fc.constantFrom(ids);
  const dc = { start: fc.constant(0), end: fc.constant(isProgressive ? 0 : 63), data };
  return isProgressive
    ? fc.oneof(fc.record({ selectors: several, bits, ...dc }), {
        weight: 3,
        arbitrary: fc.record({
          selectors: one,
          bits,
          start: fc.constantFrom(1, 1, 1, 6, 63),
          end: fc.constant(63),
          data,
        }),
      })
    : fc.record({ selectors: several, bits: fc.constant(0), ...dc });
}

const MOST_BYTES = 2 ** 21;

function rightScans(all: readonly number[], isProgressive: boolean): fc.Arbitrary<JpegScan[]> {
  const scan = rightScan(all, isProgressive);
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(scan, { minLength: 1, maxLength: 4 }) },
    // The same one again and again.
    {
      weight: 2,
      arbitrary: fc
        .tuple(scan, fc.integer({ min: 10, max: 64 }))
        .map(([each, times]) =>
          new Array<JpegScan>(times).fill({ ...each, data: Array.from(each.data).slice(0, MOST_BYTES / times - 20) }),
        ),
    },
  );
}

const rightJpeg: fc.Arbitrary<JpegParts> = fc
  .record({ marker: fc.constantFrom(0xc0, 0xc1, 0xc2, 0xc2, 0xc2), factors })
  .chain(({ marker, factors: all }) =>
    fc.record({
      marker: fc.constant(marker),
      width: side,
      height: side,
      components: fc.constant(all.map((each, index) => [index + 1, each, 0] as const)),
      huffman: tables,
      restartInterval: fc.constantFrom(undefined, undefined, undefined, 0, 1, 7, 65_535),
      before: fc.constantFrom(
        [],
        [],
        [segment(0xe0, Buffer.from("JFIF\0\x01\x01\0\0\x01\0\x01\0\0"))],
        [segment(0xee, [...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, 2])],
        [[0xff, 0xff, 0xff]],
        [segment(0xdc, [0, 9])],
        [segment(0xfe, new Uint8Array(60_000))],
      ),
      after: fc.constantFrom([0xff, 0xd9], [0xff, 0xd9], [0xff, 0xd9, 0x0a]),
      scans: rightScans(all, marker === 0xc2),
    }),
  );

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

const anyHuffman = fc.record({
  counts: fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }),
  values: fc.array(fc.nat(255), { maxLength: 300 }),
});

/** One thing that is wrong with a file. */
const fault: fc.Arbitrary<Partial<JpegParts>> = fc.oneof(
  fc.record({ marker: fc.integer({ min: 0xc0, max: 0xcf }) }),
  fc.record({ precision: fc.nat(16) }),
  fc.record({
    components: fc.array(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(5)), { maxLength: 6 }),
  }),
  fc.record({ components: fc.constant(Array.from({ length: 255 }, (_, id) => [id, 0xff, 0] as const)) }),
  fc.record({ quantization: fc.constantFrom([], [1], [4], [0x20]) }),
  fc.record({ huffman: fc.tuple(fc.nat(255), anyHuffman).map(([slot, table]) => new Map([[slot, table]])) }),
  fc.record({ scans: fc.array(anyScan, { maxLength: 30 }) }),
  fc.record({ after: fc.constantFrom([], [0xff, 0xc3, 0xff], [0xff]) }),
);

const jpeg = fc.oneof(
  { weight: 3, arbitrary: rightJpeg.map(jpegFile) },
  { weight: 1, arbitrary: fc.tuple(rightJpeg, fault).map(([parts, wrong]) => jpegFile({ ...parts, ...wrong })) },
);

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

const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const pngSide = fc.oneof({ weight: 20, arbitrary: side }, { weight: 1, arbitrary: fc.constantFrom(2 ** 20, 2 ** 31) });

const png = fc
  .record({
    width: pngSide,
    height: pngSide,
    kind: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...KINDS) },
      { weight: 1, arbitrary: fc.tuple(fc.nat(7), fc.nat(17)) },
    ),
    interlace: fc.oneof(fc.constantFrom(0, 1), mostly(0, 2)),
    filter: mostly(4, 0, 1, 2, 3, 5),
    /** Bytes of pixels, as a share of what belongs there, and beyond it. */
    share: mostly(1, 0.5, 0),
    more: mostly(0, -1, 1, 1000, 2 ** 22),
    palette: mostly<number | undefined>(768, undefined, 3, 771, 1),
    transparency: mostly<number | undefined>(undefined, 1, 2, 6, 300),
    piece: mostly<number | undefined>(undefined, 1, 100),
  })
  .map(({ width, height, kind: [colourType, depth], interlace, filter, share, more, palette, transparency, piece }) => {
    const channels = { 2: 3, 4: 2, 6: 4 }[colourType as number] ?? 1;
    const passes = interlace === 1 ? ADAM7 : [[0, 0, 1, 1] as const];
    const rows: Uint8Array[] = [];
    // Larger ones are refused by their headers.
    for (const [x, y, stepX, stepY] of width * height > 2 ** 20 ? [] : passes) {
      const [across, down] = [Math.ceil((width - x) / stepX), Math.ceil((height - y) / stepY)];
      const stride = 1 + Math.ceil((across * channels * depth) / 8);
      const pass = new Uint8Array(across > 0 && down > 0 ? stride * down : 0);
      for (let row = 0; row < pass.length; row += stride) {
        pass[row] = filter;
      }
      rows.push(pass);
    }
    const all = Buffer.concat([...rows, new Uint8Array(Math.max(0, more))]);
    const chunk = (name: string, length: number | undefined) =>
      length === undefined ? [] : [[name, new Array<number>(length).fill(0)] as const];
    return pngFile({
      header: { width, height, depth, colourType, interlace },
      rows: all.subarray(0, Math.round(all.length * share) + Math.min(0, more)),
      chunks: [...chunk("PLTE", palette), ...chunk("tRNS", transparency)],
      ...(piece === undefined ? {} : { piece }),
    });
  });

/** Start and step of the passes of an interlaced PNG. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

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
  .filter((file) => file.length <= MOST_BYTES)
  .map((file) => Object.assign(file, { [fc.toStringMethod]: () => summary(file) }));
