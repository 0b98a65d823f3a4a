import { invalidPicture } from "../limits.js";
import type { Component, Frame } from "./frame.js";
import type { Tables } from "./tables.js";

/** A component in a scan, with the Huffman tables that it is coded with; undefined where the scan needs none. */
interface ScanComponent {
  /** Its place in the frame. */
  readonly index: number;
  readonly dc: Uint8Array | undefined;
  readonly ac: Uint8Array | undefined;
}

/** A scan: its header (ITU-T T.81, B.2.3) and the compressed data after it. */
export interface Scan {
  readonly components: readonly ScanComponent[];
  /** First and last coefficient in zigzag order; 0 and 63 unless the frame is progressive. */
  readonly start: number;
  readonly end: number;
  /** Bits of the coefficients that earlier scans have brought, and that are left for later ones. */
  readonly high: number;
  readonly low: number;
  /** Units between restarts; 0 for none. */
  readonly restartInterval: number;
  /** 8×8 blocks that it passes over. */
  readonly blocks: number;
  /** Up to the next marker, restarts included. */
  readonly data: Uint8Array;
}

/** Blocks of all components that may be interleaved in a unit (B.2.3). */
const MAX_UNIT_BLOCKS = 10;

/** Bits that may be left for later scans (G.1.1.1.2; 13 for samples of 12 bits, as libjpeg has it). */
const MAX_LOW = 13;

interface Surroundings {
  readonly frame: Frame;
  readonly tables: Tables;
  readonly restartInterval: number;
  readonly data: Uint8Array;
}

/**
 * Reads and checks a scan header.
 * @throws CifarError INVALID_PICTURE
 */
export function readScan(body: Uint8Array, { frame, tables, restartInterval, data }: Surroundings): Scan {
  const count = body[0] ?? 0;
  if (count < 1 || count > frame.components.length || body.length !== 4 + 2 * count) {
    throw invalid(`a scan of ${count} components in ${body.length} bytes cannot be`);
  }
  const [start, end, bits] = body.subarray(1 + 2 * count) as unknown as [number, number, number];
  if (start > end || end > 63) throw invalid(`a scan of the coefficients ${start} to ${end} cannot be`);
  // What a sequential scan says of them counts for nothing.
  const band = frame.isProgressive ? { start, end, high: bits >> 4, low: bits & 15 } : WHOLE;
  if (frame.isProgressive) checkProgression(band, count);
  const needsDc = band.start === 0 && band.high === 0;
  const components = Array.from({ length: count }, (_, place): ScanComponent => {
    const [id, slots] = [body[1 + 2 * place]!, body[2 + 2 * place]!];
    const index = frame.components.findIndex((each) => each.id === id);
    if (index < 0) throw invalid(`a scan selects component ${id}, which the frame does not have`);
    return {
      index,
      dc: needsDc ? huffmanTable(tables, slots >> 4) : undefined,
      ac: band.end > 0 ? huffmanTable(tables, 16 + (slots & 15)) : undefined,
    };
  });
  if (new Set(components.map(({ index }) => index)).size < count) throw invalid("a scan selects a component twice");
  const selected = components.map(({ index }) => frame.components[index]!);
  const unitBlocks = selected.reduce((sum, { across, down }) => sum + across * down, 0);
  if (count > 1 && unitBlocks > MAX_UNIT_BLOCKS) {
    throw invalid(`a scan interleaves ${unitBlocks} blocks, expected at most ${MAX_UNIT_BLOCKS}`);
  }
  return { ...band, components, blocks: blocksOf(selected, frame), restartInterval, data };
}

function huffmanTable({ huffman }: Tables, slot: number): Uint8Array {
  const table = huffman.get(slot);
  if (table === undefined) throw invalid(`Huffman table ${slot >> 4}/${slot & 15} is missing`);
  return table;
}

type Band = Pick<Scan, "start" | "end" | "high" | "low">;

const WHOLE: Band = { start: 0, end: 63, high: 0, low: 0 };

/** The rules of progressive scans (G.1.1.1). */
function checkProgression({ start, end, high, low }: Band, components: number): void {
  if (start === 0 && end > 0) throw invalid("a scan mixes DC and AC coefficients");
  if (start > 0 && components > 1) throw invalid(`a scan has AC coefficients of ${components} components, expected 1`);
  if (low > MAX_LOW || (high > 0 && low !== high - 1)) throw invalid(`a scan of the bits ${high} to ${low} cannot be`);
}

function blocksOf(selected: readonly Component[], frame: Frame): number {
  const [only, ...others] = selected;
  if (others.length === 0) return only!.columns * only!.rows;
  return selected.reduce((sum, { across, down }) => sum + across * down, 0) * frame.unitColumns * frame.unitRows;
}

function invalid(what: string) {
  return invalidPicture("JPEG", what);
}
