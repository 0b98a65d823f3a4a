import type { FunctionBuilder, Local } from "./assembler.js";

/** Values in a SIMD vector. */
export const LANES = 4;
/** Bytes of a float32. */
export const FLOAT = 4;
/** Bytes of a SIMD vector. */
export const VECTOR = LANES * FLOAT;

/** A run of equally wide blocks of channels. */
export interface ChannelBlocks {
  /** First channel of the first block. */
  readonly start: number;
  readonly count: number;
  /** Channels in each block. */
  readonly channels: number;
}

/** Cuts channels into as many blocks of `vectors` vectors as possible, and a narrower one for the rest. */
export function channelBlocks(channels: number, vectors: number): readonly ChannelBlocks[] {
  const width = vectors * LANES;
  const count = Math.floor(channels / width);
  const rest = channels % width;
  const blocks: ChannelBlocks[] = [];
  if (count > 0) blocks.push({ start: 0, count, channels: width });
  if (rest > 0) blocks.push({ start: count * width, count: 1, channels: rest });
  return blocks;
}

/** Number of vectors that hold so many values. */
export function vectorsFor(values: number): number {
  return Math.ceil(values / LANES);
}

/**
 * Stores the vectors `values` at `address` + `offset` on, the last one in part if only `count` values are wanted.
 * @param address the base; it is left as it is
 */
export function storeVectors(
  f: FunctionBuilder,
  store: {
    readonly address: Local;
    readonly offset: number;
    readonly values: readonly Local[];
    readonly count: number;
  },
): void {
  const { address, offset, values, count } = store;
  values.forEach((value, index) => {
    const lanes = Math.min(LANES, count - index * LANES);
    if (lanes === LANES) {
      f.get(address)
        .get(value)
        .memory("v128.store", offset + index * VECTOR);
      return;
    }
    for (let lane = 0; lane < lanes; lane++)
      f.get(address)
        .get(value)
        .storeLane(lane, offset + index * VECTOR + lane * FLOAT);
  });
}
