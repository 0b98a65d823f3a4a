import type { Jpeg } from "./structure.js";

const SOI = [0xff, 0xd8];
const EOI = [0xff, 0xd9];
const [DHT, SOF0, SOF2, SOS, DQT, DRI, APP14] = [0xc4, 0xc0, 0xc2, 0xda, 0xdb, 0xdd, 0xee];

/** Without it the decoder refuses four components. What it says of chroma is 0, so that the decoder's option decides. */
const ADOBE = [...Array.from("Adobe", (letter) => letter.charCodeAt(0)), 0, 100, 0, 0, 0, 0, 0];

/**
 * A JPEG of nothing but what was checked, for a decoder that believes every number and trips over what may lie between,
 * before and after the segments that matter. Components are numbered from 1.
 */
export function writeJpeg({ frame, quantization, scans }: Jpeg): Uint8Array<ArrayBuffer> {
  const { width, height, components, isProgressive } = frame;
  const pieces: (Uint8Array | readonly number[])[] = [SOI];
  if (components.length === 4) pieces.push(...segment(APP14!, [ADOBE]));
  for (const [number, table] of quantization) {
    pieces.push(...segment(DQT!, [[(table.length > 64 ? 16 : 0) + number], table]));
  }
  pieces.push(
    ...segment(isProgressive ? SOF2! : SOF0!, [
      [8, height >> 8, height & 255, width >> 8, width & 255, components.length],
      components.flatMap(({ across, down, table }, index) => [index + 1, across * 16 + down, table]),
    ]),
  );
  const written = new Map<number, Uint8Array>();
  let interval = 0;
  for (const scan of scans) {
    const units = scan.components.length === 1 ? scan.blocks : frame.unitColumns * frame.unitRows;
    // The decoder counts an interval to its end even where the picture ends before.
    const wanted = scan.restartInterval < units ? scan.restartInterval : 0;
    if (wanted !== interval) pieces.push(...segment(DRI!, [[wanted >> 8, wanted & 255]]));
    interval = wanted;
    // Each component may have tables of its own: those of the first are number 0, and so on.
    for (const [place, { dc, ac }] of scan.components.entries()) {
      for (const [slot, table] of [
        [place, dc],
        [16 + place, ac],
      ] as const) {
        if (table === undefined || written.get(slot) === table) continue;
        written.set(slot, table);
        pieces.push(...segment(DHT!, [[slot], table]));
      }
    }
    pieces.push(
      ...segment(SOS!, [
        [scan.components.length],
        scan.components.flatMap(({ index }, place) => [index + 1, place * 16 + place]),
        [scan.start, scan.end, scan.high * 16 + scan.low],
      ]),
      scan.data,
    );
  }
  return joined([...pieces, EOI]);
}

/** A segment: its marker, its length, its body. */
function segment(marker: number, body: readonly (Uint8Array | readonly number[])[]) {
  const length = 2 + body.reduce((sum, piece) => sum + piece.length, 0);
  return [[0xff, marker, length >> 8, length & 255], ...body];
}

/** A piece as short as this is copied byte by byte: a call of `set` takes longer. */
const SHORT = 64;

function joined(pieces: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    if (piece.length > SHORT) bytes.set(piece, at);
    else for (let index = 0; index < piece.length; index++) bytes[at + index] = piece[index]!;
    at += piece.length;
  }
  return bytes;
}
