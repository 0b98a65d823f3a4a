import type { CifarError } from "../../errors.js";
import { invalidPicture } from "../limits.js";
import { type Frame, readFrame } from "./frame.js";
import { orientationOf } from "./orientation.js";
import { readScan, type Scan } from "./scan.js";
import { readHuffmanTables, readQuantizationTables, type Tables } from "./tables.js";

/*
 * What a JPEG says, read and checked by ITU-T T.81 before anything is decoded: the decoder itself believes every number.
 * Where browsers (libjpeg) are laxer than the standard so is this, as long as that costs nothing.
 */

/** More scans than any camera or program writes. */
const MAX_SCANS = 64;

const SOI = 0xd8;
const EOI = 0xd9;
const RST0 = 0xd0;
const TEM = 0x01;

export interface Jpeg {
  readonly frame: Frame;
  /** Quantization tables by their number, as they stand at the end. */
  readonly quantization: ReadonlyMap<number, Uint8Array>;
  readonly scans: readonly Scan[];
  /** Whether the three components, or the first three of four, are luma and chroma. */
  readonly hasChroma: boolean;
  /** How the camera was held, 1 to 8. */
  readonly orientation: number;
}

/** What segments before and between scans have said so far. */
interface State {
  readonly tables: Tables;
  readonly scans: Scan[];
  frame: Frame | undefined;
  restartInterval: number;
  orientation: number;
  isJfif: boolean;
  /** The Adobe segment's word on colours: 0 none, 1 YCbCr, 2 YCCK. */
  adobeTransform: number | undefined;
}

/**
 * Reads a JPEG's segments up to its end; what follows after it is passed over.
 * @throws CifarError INVALID_PICTURE
 */
export function readJpeg(bytes: Uint8Array): Jpeg {
  const state: State = {
    tables: { huffman: new Map(), quantization: new Map() },
    scans: [],
    frame: undefined,
    restartInterval: 0,
    orientation: 1,
    isJfif: false,
    adobeTransform: undefined,
  };
  for (let offset = 2; ; ) {
    const { marker, next } = findMarker(bytes, offset);
    if (marker === EOI) break;
    offset = standsAlone(marker) ? next : readSegment(bytes, { marker, start: next }, state);
  }
  const { frame, tables, scans, orientation } = state;
  if (frame === undefined) throw invalid("it holds no frame header");
  if (scans.length === 0) throw invalid("it holds no scan");
  for (const { table } of frame.components) {
    if (!tables.quantization.has(table)) throw invalid(`quantization table ${table} is missing`);
  }
  return { frame, quantization: tables.quantization, scans, hasChroma: hasChroma(frame, state), orientation };
}

/** The next marker from `offset` on. Bytes between segments and fill bytes before a marker are passed over, as browsers do. */
function findMarker(bytes: Uint8Array, offset: number): { marker: number; next: number } {
  let at = bytes.indexOf(0xff, offset);
  while (at >= 0 && bytes[at] === 0xff) at++;
  const marker = at < 0 ? undefined : bytes[at];
  if (marker === undefined) throw cutOff();
  return { marker, next: at + 1 };
}

/** Markers without a segment: a stuffed 0xff, restarts, a second start, and one that is reserved for that. */
function standsAlone(marker: number): boolean {
  return marker === 0 || marker === TEM || (marker >= RST0 && marker <= SOI);
}

/**
 * Reads one segment, with the compressed data after it if it starts a scan.
 * @param segment its marker, and where its length stands
 * @returns where the next one may start
 */
function readSegment(
  bytes: Uint8Array,
  { marker, start }: { readonly marker: number; readonly start: number },
  state: State,
): number {
  const length = bytes[start]! * 256 + bytes[start + 1]!;
  const end = start + length;
  // Not a number where the file ends before the length does.
  if (!(end <= bytes.length)) throw cutOff();
  if (length < 2) throw invalid(`a segment of ${length} bytes cannot be`);
  const body = bytes.subarray(start + 2, end);
  switch (marker) {
    case 0xc0:
    case 0xc1:
    case 0xc2:
      if (state.frame !== undefined) throw invalid("it has two frames");
      state.frame = readFrame(body, marker === 0xc2);
      return end;
    case 0xc4:
      readHuffmanTables(body, state.tables);
      return end;
    case 0xdb:
      readQuantizationTables(body, state.tables);
      return end;
    case 0xdd:
      if (body.length !== 2) throw invalid(`a restart interval has 2 bytes, not ${body.length}`);
      state.restartInterval = body[0]! * 256 + body[1]!;
      return end;
    case 0xda: {
      if (state.frame === undefined) throw invalid("a scan comes before the frame header");
      if (state.scans.length === MAX_SCANS) throw invalid(`more than ${MAX_SCANS} scans, which no program writes`);
      const dataEnd = endOfData(bytes, end);
      const { frame, tables, restartInterval } = state;
      state.scans.push(readScan(body, { frame, tables, restartInterval, data: bytes.subarray(end, dataEnd) }));
      return dataEnd;
    }
    case 0xe0:
      state.isJfif ||= startsWith(body, "JFIF\0");
      return end;
    case 0xe1:
      state.orientation = orientationOf(body) ?? state.orientation;
      return end;
    case 0xee:
      if (body.length >= 12 && startsWith(body, "Adobe")) state.adobeTransform = body[11]!;
      return end;
    default:
      checkMayBePassedOver(marker);
      return end;
  }
}

/** Where a scan's compressed data ends: at the first marker that is not a restart. */
function endOfData(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    const next = bytes[at + 1]!;
    if (next !== 0 && !(next >= RST0 && next < SOI)) return at;
  }
  throw cutOff();
}

/** Texts, profiles and the like say nothing of the pixels; of what is left, nothing can be decoded. */
function checkMayBePassedOver(marker: number): void {
  if (marker >= 0xe0 && marker <= 0xef) return;
  // A comment, or the number of lines again, which the frame header has said.
  if (marker === 0xfe || marker === 0xdc) return;
  throw invalid(
    marker >= 0xc3 && marker <= 0xdf
      ? "it is lossless, hierarchical or arithmetically coded, which few programs read"
      : `it has a segment ff${marker.toString(16).padStart(2, "0")}, which the standard does not know`,
  );
}

/** As browsers (libjpeg) decide it, from the strongest word to the weakest. */
function hasChroma({ components }: Frame, { isJfif, adobeTransform }: State): boolean {
  if (components.length === 1) return false;
  // Without a word of Adobe's, four components are inks.
  if (components.length === 4) return adobeTransform !== undefined && adobeTransform !== 0;
  if (isJfif) return true;
  if (adobeTransform !== undefined) return adobeTransform !== 0;
  return String.fromCharCode(...components.map(({ id }) => id)) !== "RGB";
}

function startsWith(body: Uint8Array, text: string): boolean {
  return Array.from(text).every((letter, index) => body[index] === letter.charCodeAt(0));
}

function cutOff(): CifarError {
  return invalid("the file is cut off");
}

function invalid(what: string): CifarError {
  return invalidPicture("JPEG", what);
}
