import { invalidPicture } from "../limits.js";

/** One component of a frame: luma, a chroma, an ink. */
export interface Component {
  /** As scans select it. */
  readonly id: number;
  /** Sampling factors across and down, 1 to 4, relative to the largest of the frame. */
  readonly across: number;
  readonly down: number;
  /** Number of its quantization table. */
  readonly table: number;
  /** 8×8 blocks of the picture alone, which a scan of this component alone holds. */
  readonly columns: number;
  readonly rows: number;
}

/** A frame header (ITU-T T.81, B.2.2). */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly isProgressive: boolean;
  readonly components: readonly Component[];
  /** Minimum coded units, each of `across · down` blocks of every component. */
  readonly unitColumns: number;
  readonly unitRows: number;
}

/**
 * Reads and checks a frame header.
 * @throws CifarError INVALID_PICTURE
 */
export function readFrame(body: Uint8Array, isProgressive: boolean): Frame {
  const [precision, heightHigh, heightLow, widthHigh, widthLow, count] = body as unknown as number[];
  if (body.length < 6 || body.length !== 6 + 3 * count!) throw invalid("its frame header is cut off or too long");
  if (precision !== 8) throw invalid(`it has ${precision} bits a sample, expected 8`);
  if (count !== 1 && count !== 3 && count !== 4) throw invalid(`it has ${count} components, expected 1, 3 or 4`);
  const size = { width: widthHigh! * 256 + widthLow!, height: heightHigh! * 256 + heightLow! };
  const declared = Array.from({ length: count }, (_, index) => readComponent(body.subarray(6 + 3 * index)));
  if (new Set(declared.map(({ id }) => id)).size < count) throw invalid("two of its components have the same number");
  // A single component is not interleaved with any, so that its factors mean nothing (A.2.2).
  const factors = count === 1 ? [{ ...declared[0]!, across: 1, down: 1 }] : declared;
  const across = Math.max(...factors.map((each) => each.across));
  const down = Math.max(...factors.map((each) => each.down));
  if (factors.some((each) => across % each.across !== 0 || down % each.down !== 0)) {
    throw invalid("its sampling factors do not divide each other, which few programs read");
  }
  return {
    ...size,
    isProgressive,
    components: factors.map((each) => ({
      ...each,
      columns: Math.ceil((size.width * each.across) / across / 8),
      rows: Math.ceil((size.height * each.down) / down / 8),
    })),
    unitColumns: Math.ceil(size.width / (8 * across)),
    unitRows: Math.ceil(size.height / (8 * down)),
  };
}

function readComponent(bytes: Uint8Array): Pick<Component, "id" | "across" | "down" | "table"> {
  const [id, factors, table] = bytes as unknown as [number, number, number];
  const [across, down] = [factors >> 4, factors & 15];
  if (across < 1 || across > 4 || down < 1 || down > 4) {
    throw invalid(`component ${id} has sampling factors ${across}×${down}, expected 1 to 4`);
  }
  if (table > 3) throw invalid(`component ${id} has quantization table ${table}, expected 0 to 3`);
  return { id, across, down, table };
}

function invalid(what: string) {
  return invalidPicture("JPEG", what);
}
