import { inflateSync } from "node:zlib";
import { Unzlib } from "fflate";
import { invalidPicture } from "../limits.js";

/**
 * Inflates the rows (zlib, RFC 1950) and stops where they end: what is left over is never inflated, as browsers do it.
 * @param expected bytes that the header promises
 * @throws CifarError INVALID_PICTURE
 */
export function inflateRows(compressed: Uint8Array, expected: number): Uint8Array {
  let rows: Uint8Array;
  try {
    // In one piece of the right size, with room to see that nothing follows: by default zlib takes 16 KiB for the smallest
    // picture, and many pieces for a large one. It takes 64 at least.
    rows = inflateSync(compressed, { maxOutputLength: expected, chunkSize: Math.max(expected + 1, 64) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw broken(error);
    rows = firstBytes(compressed, expected);
  }
  if (rows.length < expected) throw invalidPicture("PNG", "it holds fewer pixels than its header says");
  return rows;
}

/** Compressed bytes that are looked at in one go; they become at most a thousand times as many. */
const STEP = 1024;

/** The start of what is known to hold more: zlib itself gives nothing where it stops early. */
function firstBytes(compressed: Uint8Array, expected: number): Uint8Array {
  const rows = new Uint8Array(expected);
  let filled = 0;
  const inflator = new Unzlib((piece) => {
    const fitting = piece.subarray(0, expected - filled);
    rows.set(fitting, filled);
    filled += fitting.length;
  });
  try {
    for (let at = 0; filled < expected && at < compressed.length; at += STEP) {
      inflator.push(compressed.subarray(at, at + STEP));
    }
  } catch (error) {
    // What is left over is broken close behind them.
    throw broken(error);
  }
  // A stored block comes out whole or not at all: one that is cut off is as good as broken.
  if (filled < expected) throw broken();
  return rows;
}

function broken(cause?: unknown) {
  return invalidPicture("PNG", "its pixels cannot be decompressed", cause);
}
