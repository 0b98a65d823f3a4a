/** JPEGs put together by hand, segment by segment, right or wrong. */

/** A Huffman table as DHT has it: how many codes of 1, 2, … 16 bits, then their values. */
export interface Huffman {
  readonly counts: readonly number[];
  readonly values: readonly number[];
}

export interface JpegScan {
  /** Component, and its Huffman tables as the header has them: DC · 16 + AC. */
  readonly selectors: readonly (readonly [component: number, tables: number])[];
  readonly start: number;
  readonly end: number;
  /** Bits that earlier scans have brought · 16 + bits left for later ones. */
  readonly bits: number;
  readonly data: ArrayLike<number>;
}

export interface JpegParts {
  /** Last byte of the frame header's marker: 0xc0 baseline, 0xc2 progressive. */
  readonly marker?: number;
  readonly precision?: number;
  readonly width: number;
  readonly height: number;
  /** Number, sampling factors (across · 16 + down), quantization table. */
  readonly components: readonly (readonly [id: number, factors: number, table: number])[];
  readonly quantization?: readonly number[];
  /** By class · 16 + number. */
  readonly huffman?: ReadonlyMap<number, Huffman>;
  readonly restartInterval?: number | undefined;
  readonly scans: readonly JpegScan[];
  /** Segments before the tables. */
  readonly before?: readonly (readonly number[])[];
  /** What stands in place of the end, default the end alone. */
  readonly after?: readonly number[];
}

/** A segment: its marker, its length, its body. */
export function segment(marker: number, body: ArrayLike<number>): number[] {
  const length = body.length + 2;
  return [0xff, marker, length >> 8, length & 255, ...Array.from(body)];
}

/** One value with a code of one bit, 0: all bits of 0 are that value again and again. */
export const only = (value: number): Huffman => ({ counts: [1, ...new Array<number>(15).fill(0)], values: [value] });

export function jpegFile(parts: JpegParts): Uint8Array<ArrayBuffer> {
  const { marker = 0xc0, precision = 8, width, height, components, quantization = [0], restartInterval } = parts;
  const head = [
    [0xff, 0xd8],
    ...(parts.before ?? []),
    ...quantization.map((number) => segment(0xdb, [number, ...new Array<number>(64).fill(1)])),
    segment(marker, [
      ...[precision, height >> 8, height & 255, width >> 8, width & 255, components.length],
      ...components.flat(),
    ]),
    ...Array.from(parts.huffman ?? [], ([slot, { counts, values }]) => segment(0xc4, [slot, ...counts, ...values])),
    ...(restartInterval === undefined ? [] : [segment(0xdd, [restartInterval >> 8, restartInterval & 255])]),
  ];
  const scans = parts.scans.flatMap(({ selectors, start, end, bits, data }) => [
    segment(0xda, [selectors.length, ...selectors.flat(), start, end, bits]),
    data,
  ]);
  return new Uint8Array(
    Buffer.concat([...head, ...scans, parts.after ?? [0xff, 0xd9]].map((piece) => Uint8Array.from(piece))),
  );
}

/** The most costly of valid kinds: a progressive JPEG whose every scan passes over all blocks again, in hardly any bytes. */
export function manyScans(options: {
  readonly side: number;
  readonly components: number;
  readonly scans: number;
  /** Default: as little as will do. */
  readonly data?: ArrayLike<number>;
}): Uint8Array<ArrayBuffer> {
  const { side, components, scans } = options;
  const ids = Array.from({ length: components }, (_, index) => index + 1);
  // A run of 2^14 blocks in which nothing changes: 1 bit of code and 14 of its length, all of them 0.
  const runs = Math.ceil(Math.ceil(side / 8) ** 2 / 2 ** 14);
  const { data = new Uint8Array(Math.ceil((15 * runs) / 8) + 1) } = options;
  return jpegFile({
    marker: 0xc2,
    width: side,
    height: side,
    components: ids.map((id) => [id, 0x11, 0]),
    huffman: new Map([[0x10, only(0xe0)]]),
    scans: Array.from({ length: scans }, (_, scan) => ({
      selectors: [[ids[scan % components]!, 0]],
      start: 1,
      end: 63,
      bits: 0x10,
      data,
    })),
  });
}

/** The smallest JPEG that there is, and right: one block of grey, its DC difference 0, no AC coefficient. */
export const TINY: JpegParts = {
  width: 8,
  height: 8,
  components: [[1, 0x11, 0]],
  huffman: new Map([
    [0x00, only(0)],
    [0x10, only(0)],
  ]),
  scans: [{ selectors: [[1, 0]], start: 0, end: 63, bits: 0, data: [0x3f] }],
};
