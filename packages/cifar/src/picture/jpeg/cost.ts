import type { Cost } from "../limits.js";
import type { Frame } from "./frame.js";
import type { Scan } from "./scan.js";
import type { Jpeg } from "./structure.js";

/*
 * What jpeg-js takes, measured in Node 20 and 22 on pictures of 32 to 1024 pixels a side and on what test/jpegs.ts makes.
 */

/** A block: 64 coefficients of 4 bytes and the object around them. */
const BLOCK_BYTES = 440;
/** A row of samples of a component, beside the samples. */
const ROW_BYTES = 420;

/** A block: its memory, the inverse transform, its samples' places in the picture. */
const BLOCK_NS = 2000;
/** A byte of compressed data: it is read bit by bit. */
const BYTE_NS = 80;
/** A pixel's colours. */
const PIXEL_NS = 15;
/** A block in a scan, even if nothing is said of it, and a coefficient that a scan refines, even if it is 0. */
const VISIT_NS = 20;
const REFINED_NS = 6;

/** Blocks of all components, those beyond the picture's edges included. */
export function blocksOf({ components, unitColumns, unitRows }: Frame): number {
  return components.reduce((sum, { across, down }) => sum + across * down, 0) * unitColumns * unitRows;
}

/** What it takes to decode a JPEG. */
export function costOf({ frame, scans, orientation }: Jpeg): Cost {
  const { components, width, height } = frame;
  const pixels = width * height;
  const blocks = blocksOf(frame);
  const data = scans.reduce((sum, scan) => sum + scan.data.length, 0);
  const rows = components.reduce((sum, each) => sum + 8 * each.rows * (ROW_BYTES + 8 * each.columns), 0);
  // The samples of the components side by side, then red, green and blue, then those once more where they are turned.
  const bytesPerPixel = components.length + (orientation === 1 ? 3 : 6);
  const scanning = scans.reduce((sum, scan) => sum + scan.blocks * (VISIT_NS + refined(scan) * REFINED_NS), 0);
  return {
    milliseconds: (blocks * BLOCK_NS + scanning + data * BYTE_NS + pixels * PIXEL_NS) / 1e6,
    // The file is there twice: the decoder copies it.
    bytes: blocks * BLOCK_BYTES + rows + pixels * bytesPerPixel + 2 * data,
  };
}

function refined({ start, end, high }: Scan): number {
  return high > 0 && start > 0 ? end - start + 1 : 0;
}
