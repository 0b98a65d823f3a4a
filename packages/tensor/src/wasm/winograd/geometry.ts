import { FLOAT, LANES } from "../vectors.js";
import { POINTS, TILE } from "./transforms.js";

/** A 3×3 correlation with stride 1 in one direction: forward, or the input gradient with the roles exchanged. */
export interface WinogradShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Zeros around the picture, 0 to 2. */
  readonly padding: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly filters: number;
}

/**
 * Which side is cut into 4×4 tiles; the other is covered by 6×6 windows that overlap by 2.
 * - `gather`: outputs are tiles, inputs are read in windows (the usual form).
 * - `scatter`: inputs are tiles, outputs are added up from windows: the transpose of the usual form.
 * With padding 2, inputs are fewer than outputs: 20×20 are 25 tiles, and the 22×22 that come of them would be 36.
 */
export type Form = "gather" | "scatter";

/** Pictures that are cut into tiles, or covered by windows at the same distance. */
export interface Side {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Rows and columns of tiles in a picture. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** Number of transformed values a tile and channel. */
export const CELLS = POINTS * POINTS;
/** Bytes of a cache line. */
const CACHE_LINE = 64;
/** Tiles that a matrix product takes together. */
export const PRODUCT_TILES = 4;
/** Transformed inputs and outputs of a block together; the second-level cache (from 1 MiB on) also holds the filters. */
const BLOCK_BYTES = 600_000;

/** Cuts a picture into tiles. */
function tileGrid({ height, width }: { readonly height: number; readonly width: number }): Grid {
  return { rows: Math.ceil(height / TILE), columns: Math.ceil(width / TILE) };
}

/** The form that needs fewer tiles. */
export function chooseForm(shape: WinogradShape): { readonly form: Form; readonly grid: Grid } {
  const gather = tileGrid({ height: shape.outputHeight, width: shape.outputWidth });
  const scatter = tileGrid(shape);
  return scatter.rows * scatter.columns < gather.rows * gather.columns
    ? { form: "scatter", grid: scatter }
    : { form: "gather", grid: gather };
}

/** How the rows of tiles of all pictures, one picture after the other, are cut into blocks that are computed together. */
export interface Blocks {
  /** Rows of tiles of all pictures. */
  readonly totalRows: number;
  /** Rows in a block. */
  readonly rows: number;
  readonly columns: number;
  /** Rows in the last block. */
  readonly lastRows: number;
  /** Bytes of a row of tiles in one of the 36 cells: of inputs, and of outputs or output gradients. */
  readonly inputRow: number;
  readonly outputRow: number;
  /** Bytes from a cell to the next. */
  readonly inputCell: number;
  readonly outputCell: number;
}

/**
 * Cuts into blocks whose transformed values stay in the second-level cache: of the sizes that fit the largest that is a
 * whole number of products.
 */
export function chooseBlocks(shape: WinogradShape, grid: Grid): Blocks {
  const { channels, filters } = shape;
  const totalRows = shape.batch * grid.rows;
  const rowBytes = CELLS * (channels + filters) * FLOAT * grid.columns;
  const mostRows = Math.min(totalRows, Math.max(1, Math.floor(BLOCK_BYTES / rowBytes)));
  let rows = mostRows;
  if (rows < totalRows) {
    while (rows > 1 && (rows * grid.columns) % PRODUCT_TILES !== 0) rows--;
    if ((rows * grid.columns) % PRODUCT_TILES !== 0) rows = mostRows;
  }
  const inputRow = grid.columns * channels * FLOAT;
  const outputRow = grid.columns * filters * FLOAT;
  return {
    totalRows,
    rows,
    lastRows: ((totalRows - 1) % rows) + 1,
    columns: grid.columns,
    inputRow,
    outputRow,
    inputCell: spread(rows * inputRow),
    outputCell: spread(rows * outputRow),
  };
}

/**
 * A distance of at least `bytes` from one of the 36 cells to the next: an odd number of cache lines. It spreads the cells,
 * which are read or written one value each, over all sets of the first-level cache; a power of two would have them push each
 * other out.
 */
function spread(bytes: number): number {
  const lines = Math.ceil(bytes / CACHE_LINE);
  return (lines + 1 - (lines % 2)) * CACHE_LINE;
}

/** Bytes from one cell of a matrix of channels by filters to the next. */
export function matrixCell(channels: number, filters: number): number {
  return spread(channels * filters * FLOAT);
}

/** Vectors that a product takes together: as many as the filters divide into. */
export function productVectors(filters: number, vectors: 2 | 4): 2 | 4 {
  return filters % (vectors * LANES) === 0 ? vectors : 2;
}

/** A part of a window or a tile, from one index to before another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Neighbouring tiles that are treated alike. */
export interface Run<Kind> {
  readonly kind: Kind;
  readonly count: number;
}

/** Joins neighbours of the same kind. */
export function runsOf<Kind>(count: number, kindOf: (index: number) => Kind): readonly Run<Kind>[] {
  const runs: { kind: Kind; count: number }[] = [];
  for (let index = 0; index < count; index++) {
    const kind = kindOf(index);
    const last = runs.at(-1);
    if (last !== undefined && JSON.stringify(last.kind) === JSON.stringify(kind)) last.count++;
    else runs.push({ kind, count: 1 });
  }
  return runs;
}

/** What of the window at this index lies inside a side of `size` pixels with zeros around it. */
export function windowRange(index: number, size: number, padding: number): Range {
  const start = index * TILE - padding;
  return { from: Math.max(0, -start), to: Math.max(0, Math.min(POINTS, size - start)) };
}

/** What of the tile at this index lies inside a side of `size` pixels. */
export function tileRange(index: number, size: number): Range {
  return { from: 0, to: Math.min(TILE, size - index * TILE) };
}
