import type { FunctionBuilder, Local } from "./assembler.js";
import { FLOAT, storeVectors, VECTOR } from "./vectors.js";
import { productUnroll } from "./width.js";

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

/** One step: sums[row][v] += value at (x + row · rowBytes) · vector v at w. Both addresses are offset from the locals. */
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
  for (const [v, factor] of tile.factors.entries()) {
    f.get(step.w)
      .memory("v128.load", step.wOffset + v * VECTOR)
      .set(factor);
  }
  for (const [row, sums] of tile.sums.entries()) {
    f.get(step.x)
      .memory("v128.load32_splat", step.xOffset + row * step.rowBytes)
      .set(tile.splat);
    for (const [v, sum] of sums.entries()) {
      f.get(sum).get(tile.splat).get(tile.factors[v]!).op("f32x4.mul", "f32x4.add").set(sum);
    }
  }
}

/** A run of steps over operands that lie `xBytes` and `wBytes` apart from one step to the next. */
interface Steps {
  readonly x: Local;
  readonly xBytes: number;
  readonly rowBytes: number;
  readonly w: Local;
  readonly wBytes: number;
  readonly count: number;
  /** A spare i32 local. */
  readonly end: Local;
}

/** Emits the steps in a loop that ends by the pointer x: an instruction less than a counter, 2 % of a product's time. */
function emitSteps(f: FunctionBuilder, tile: Tile, { x, xBytes, rowBytes, w, wBytes, count, end }: Steps): void {
  const turn = (steps: number) => {
    for (let step = 0; step < steps; step++) {
      multiplyAdd(f, tile, { x, xOffset: step * xBytes, rowBytes, w, wOffset: step * wBytes });
    }
    f.increment(w, steps * wBytes).increment(x, steps * xBytes);
  };
  const unroll = productUnroll(tile.vectors);
  const whole = count - (count % unroll);
  if (whole > unroll) {
    f.get(x)
      .i32(whole * xBytes)
      .op("i32.add")
      .set(end);
    f.loop(() => {
      turn(unroll);
      f.get(x).get(end).op("i32.ne").branchIf(0);
    });
  } else if (whole > 0) turn(unroll);
  if (count > whole) turn(count - whole);
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
    readonly end: Local;
  },
): void {
  emitSteps(f, tile, { ...product, xBytes: FLOAT, count: product.depth });
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
    readonly end: Local;
  },
): void {
  const { x, xBytes, g, gBytes, positions, end } = product;
  emitSteps(f, tile, { x, xBytes, rowBytes: FLOAT, w: g, wBytes: gBytes, count: positions, end });
}
