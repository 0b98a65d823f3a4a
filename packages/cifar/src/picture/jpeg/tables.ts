import { invalidPicture } from "../limits.js";

/** Tables as they stand while segments are read, each as its bytes. */
export interface Tables {
  /** Huffman tables (16 counts, then the values) by their class and number, as DHT has them in one byte. */
  readonly huffman: Map<number, Uint8Array>;
  /** Quantization tables, 64 elements of one byte or two, by their number. */
  readonly quantization: Map<number, Uint8Array>;
}

/** Code lengths of a Huffman table, in bits. */
const LONGEST_CODE = 16;

/** Bits that a difference of DC coefficients may have, 12-bit samples included (F.1.2.1). */
const LARGEST_DC_SIZE = 15;

/**
 * Reads a segment DHT (ITU-T T.81, B.2.4.2).
 * @throws CifarError INVALID_PICTURE
 */
export function readHuffmanTables(body: Uint8Array, { huffman }: Tables): void {
  for (let at = 0; at < body.length; ) {
    const slot = body[at]!;
    if (slot >> 4 > 1 || (slot & 15) > 3) throw invalid(`there is no Huffman table ${slot >> 4}/${slot & 15}`);
    const counts = at + 1;
    const values = counts + LONGEST_CODE;
    const end = values + numberOfCodes(body, counts);
    // Not a number where the counts are cut off themselves.
    if (!(end <= body.length)) throw invalid("a Huffman table is cut off");
    const isDc = slot >> 4 === 0;
    for (let value = values; isDc && value < end; value++) {
      if (body[value]! > LARGEST_DC_SIZE) throw invalid("a Huffman table holds a size that no coefficient has");
    }
    huffman.set(slot, body.subarray(counts, end));
    at = end;
  }
}

/** Adds up the codes of each length, and sees that so many fit beside each other, none beginning another. */
function numberOfCodes(body: Uint8Array, counts: number): number {
  let codes = 0;
  let free = 1;
  for (let at = counts; at < counts + LONGEST_CODE; at++) {
    codes += body[at]!;
    free = free * 2 - body[at]!;
    if (free < 0) throw invalid("a Huffman table has more codes than their lengths allow");
  }
  return codes;
}

/**
 * Reads a segment DQT (ITU-T T.81, B.2.4.1).
 * @throws CifarError INVALID_PICTURE
 */
export function readQuantizationTables(body: Uint8Array, { quantization }: Tables): void {
  for (let at = 0; at < body.length; ) {
    const [bytes, number] = [(body[at]! >> 4) + 1, body[at]! & 15];
    if (bytes > 2 || number > 3) throw invalid(`there is no quantization table ${bytes - 1}/${number}`);
    const end = at + 1 + 64 * bytes;
    if (end > body.length) throw invalid("a quantization table is cut off");
    quantization.set(number, body.subarray(at + 1, end));
    at = end;
  }
}

function invalid(what: string) {
  return invalidPicture("JPEG", what);
}
