import type { FunctionBuilder, Local } from "./assembler.js";
import { FLOAT, storeVectors, VECTOR } from "./vectors.js";

/*
 * The two loops in which convolutions, direct and Winograd, spend their time. Both keep a tile of sums in registers: 4 rows
 * by 2 vectors are the 8 accumulators that fit beside operands into the 16 registers of SSE; where V8 joins neighbouring
 * vectors to 256 bit, 4 rows by 4 vectors are. Unrolling over the depth makes V8 spill registers: the first convolution,
 * whose depth is 9, takes 131 instead of 55 µs a picture when unrolled whole (measured in Node 20).
 */

/** Local variables of a tile of sums. */
export interface Tile {
  readonly rows: number;
  readonly vectors: number;
  /** [rows][vectors] */
  readonly sums: readonly (readonly Local[])[];
  readonly factors: readonly Local[];
  readonly splat: Local;
}

/** Makes the local variables of the largest tile that a function needs. */
export function createTile(f: FunctionBuilder, rows: number, vectors: number): Tile {
  return {
    rows,
    vectors,
    sums: Array.from({ length: rows }, () => f.locals("v128", vectors)),
    factors: f.locals("v128", vectors),
    splat: f.local("v128"),
  };
}

/** A smaller tile in the same variables. */
export function subTile(tile: Tile, rows: number, vectors: number): Tile {
  return {
    rows,
    vectors,
    sums: tile.sums.slice(0, rows).map((row) => row.slice(0, vectors)),
    factors: tile.factors.slice(0, vectors),
    splat: tile.splat,
  };
}

/** sums ← 0 */
export function clearTile(f: FunctionBuilder, tile: Tile): void {
  for (const sum of tile.sums.flat()) f.f32x4(0).set(sum);
}

/** sums[row][v] ← what lies at `address`, rows `rowBytes` apart. */
export function loadTile(f: FunctionBuilder, tile: Tile, address: Local, rowBytes: number): void {
  for (const [row, sums] of tile.sums.entries()) {
    for (const [v, sum] of sums.entries()) {
      f.get(address)
        .memory("v128.load", row * rowBytes + v * VECTOR)
        .set(sum);
    }
  }
}

/** Stores the sums at `address`, rows `rowBytes` apart, the first `count` values of each row. */
export function storeTile(
  f: FunctionBuilder,
  tile: Tile,
  store: { readonly address: Local; readonly rowBytes: number; readonly count: number },
): void {
  for (const [row, values] of tile.sums.entries()) {
    storeVectors(f, { address: store.address, offset: row * store.rowBytes, values, count: store.count });
  }
}

/** One step: sums[row][v] += value at (x + row · rowBytes) · vector v at w. */
function multiplyAdd(
  f: FunctionBuilder,
  tile: Tile,
  step: {
    readonly x: Local;
    readonly rowBytes: number;
    readonly w: Local;
  },
): void {
  for (const [v, factor] of tile.factors.entries()) {
    f.get(step.w)
      .memory("v128.load", v * VECTOR)
      .set(factor);
  }
  for (const [row, sums] of tile.sums.entries()) {
    f.get(step.x)
      .memory("v128.load32_splat", row * step.rowBytes)
      .set(tile.splat);
    for (const [v, sum] of sums.entries()) {
      f.get(sum).get(tile.splat).get(tile.factors[v]!).op("f32x4.mul", "f32x4.add").set(sum);
    }
  }
}

/**
 * sums[row][v] += Σ over k < depth of x[row][k] · w[k][v]: rows of x are `rowBytes` apart, rows of w `wBytes`. Both pointers
 * move past what was read.
 */
export function emitMatrixProduct(
  f: FunctionBuilder,
  tile: Tile,
  product: {
    readonly x: Local;
    readonly rowBytes: number;
    readonly w: Local;
    readonly wBytes: number;
    readonly depth: number;
    readonly counter: Local;
  },
): void {
  const { x, rowBytes, w, wBytes, depth, counter } = product;
  f.repeat(counter, depth, () => {
    multiplyAdd(f, tile, { x, rowBytes, w });
    f.increment(w, wBytes).increment(x, FLOAT);
  });
}

/**
 * sums[row][v] += Σ over p < positions of x[p][row] · g[p][v]: the rows of a position are neighbours in memory. Both
 * pointers move past what was read.
 */
export function emitOuterProducts(
  f: FunctionBuilder,
  tile: Tile,
  product: {
    readonly x: Local;
    readonly xBytes: number;
    readonly g: Local;
    readonly gBytes: number;
    readonly positions: number;
    readonly counter: Local;
  },
): void {
  const { x, xBytes, g, gBytes, positions, counter } = product;
  f.repeat(counter, positions, () => {
    multiplyAdd(f, tile, { x, rowBytes: FLOAT, w: g });
    f.increment(x, xBytes).increment(g, gBytes);
  });
}
