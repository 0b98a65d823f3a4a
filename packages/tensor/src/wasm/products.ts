import type { FunctionBuilder, Local } from "./assembler.js";
import { FLOAT, VECTOR } from "./vectors.js";

/*
 * The two loops in which convolutions, direct and Winograd, spend their time. Both keep a tile of sums in registers: 4 rows
 * by 2 vectors are the 8 accumulators that fit beside operands into the 16 registers of SSE; where V8 joins neighbouring
 * vectors to 256 bit, 4 rows by 4 vectors are. Unrolling over the depth makes V8 spill registers (41 instead of 65 GFLOP/s
 * at 4-fold, measured on a Zen 5).
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

/** One step: sums[row][v] += value at (x + offset + row · rowBytes) · factors[v], the factors loaded from w + wOffset. */
function multiplyAdd(
  f: FunctionBuilder,
  tile: Tile,
  step: {
    readonly x: Local;
    readonly xOffset: number;
    readonly rowBytes: number;
    readonly w: Local;
    readonly wOffset: number;
  },
): void {
  tile.factors.forEach((factor, v) => {
    f.get(step.w)
      .memory("v128.load", step.wOffset + v * VECTOR)
      .set(factor);
  });
  tile.sums.forEach((row, index) => {
    f.get(step.x)
      .memory("v128.load32_splat", step.xOffset + index * step.rowBytes)
      .set(tile.splat);
    row.forEach((sum, v) => f.get(sum).get(tile.splat).get(tile.factors[v]!).op("f32x4.mul", "f32x4.add").set(sum));
  });
}

/**
 * sums[row][v] += Σ over k < depth of x[row][k] · w[k][v]: rows of x are `rowBytes` apart, rows of w follow each other.
 * Both pointers move past what was read.
 */
export function emitMatrixProduct(
  f: FunctionBuilder,
  tile: Tile,
  product: {
    readonly x: Local;
    readonly rowBytes: number;
    readonly w: Local;
    readonly depth: number;
    readonly unroll: number;
    readonly counter: Local;
  },
): void {
  const { x, rowBytes, w, depth, unroll, counter } = product;
  const wBytes = tile.vectors * VECTOR;
  f.repeat(counter, depth / unroll, () => {
    for (let u = 0; u < unroll; u++) {
      multiplyAdd(f, tile, { x, xOffset: u * FLOAT, rowBytes, w, wOffset: u * wBytes });
    }
    f.increment(w, unroll * wBytes).increment(x, unroll * FLOAT);
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
    multiplyAdd(f, tile, { x, xOffset: 0, rowBytes: FLOAT, w: g, wOffset: 0 });
    f.increment(x, xBytes).increment(g, gBytes);
  });
}
