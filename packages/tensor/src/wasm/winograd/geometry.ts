import { isIdentity, type Placement, planeBytes } from "../plane.js";
import { FLOAT } from "../vectors.js";
import { POINTS, TILE } from "./transforms.js";

/** A 3×3 correlation with stride 1 in one direction: forward, or the input gradient with the roles exchanged. */
export interface WinogradShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Zeros around the picture, 0 to 2. */
  readonly padding: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly filters: number;
}

/** Several rows of tiles that are transformed and multiplied together, so that all of it stays in the second-level cache. */
interface TileBlock {
  readonly firstRow: number;
  readonly rows: number;
}

/** How a shape is cut into tiles. */
export interface WinogradGeometry extends WinogradShape {
  /** Tiles in a row. */
  readonly tileColumns: number;
  readonly tileRows: number;
  readonly placement: Placement;
  /** False if the picture can be read where it lies. */
  readonly onPlane: boolean;
  readonly blocks: readonly TileBlock[];
  /** Tiles of the largest block, rounded up to whole products. */
  readonly blockTiles: number;
}

/** Number of transformed values a tile and channel. */
export const CELLS = POINTS * POINTS;
/** Bytes of a cache line. */
const CACHE_LINE = 64;
/** Tiles that a matrix product takes together. */
export const PRODUCT_TILES = 4;
/** Transformed inputs and outputs of a block together; the second-level cache (from 1 MiB on) also holds the filters. */
const BLOCK_BYTES = 420_000;

/** Tiles of a block, rounded up to whole products. */
export function paddedTiles(rows: number, tileColumns: number): number {
  return Math.ceil((rows * tileColumns) / PRODUCT_TILES) * PRODUCT_TILES;
}

/**
 * Bytes from one of the 36 cells of a block to the next, with `channels` values a tile. The odd number of cache lines
 * spreads the cells, which are written one value each, over all sets of the first-level cache; a power of two would have
 * them push each other out.
 */
export function cellBytes(tiles: number, channels: number): number {
  const lines = Math.ceil((tiles * channels * FLOAT) / CACHE_LINE);
  return (lines + 1 - (lines % 2)) * CACHE_LINE;
}

/** Cuts a shape into tiles and blocks. */
export function winogradGeometry(shape: WinogradShape): WinogradGeometry {
  const tileColumns = Math.ceil(shape.outputWidth / TILE);
  const tileRows = Math.ceil(shape.outputHeight / TILE);
  const placement: Placement = {
    height: shape.height,
    width: shape.width,
    channels: shape.channels,
    planeHeight: tileRows * TILE + 2,
    planeWidth: tileColumns * TILE + 2,
    offset: shape.padding,
    step: 1,
  };
  const tileBytes = CELLS * (shape.channels + shape.filters) * FLOAT;
  const mostTiles = Math.max(PRODUCT_TILES, Math.floor(BLOCK_BYTES / tileBytes));
  const blocks = chooseBlocks(tileRows, tileColumns, mostTiles);
  return {
    ...shape,
    tileColumns,
    tileRows,
    placement,
    onPlane: !isIdentity(placement),
    blocks,
    blockTiles: Math.max(...blocks.map(({ rows }) => paddedTiles(rows, tileColumns))),
  };
}

/** The cut into blocks of at most `mostTiles` tiles (or one row) that wastes least on rounding up, then the one of fewest. */
function chooseBlocks(tileRows: number, tileColumns: number, mostTiles: number): readonly TileBlock[] {
  const mostRows = Math.max(1, Math.floor(mostTiles / tileColumns));
  const best: { readonly cost: number; readonly rows: readonly number[] }[] = [{ cost: 0, rows: [] }];
  for (let total = 1; total <= tileRows; total++) {
    let choice = { cost: Number.POSITIVE_INFINITY, rows: [] as readonly number[] };
    for (let rows = 1; rows <= Math.min(mostRows, total); rows++) {
      const rest = best[total - rows]!;
      const cost = rest.cost + paddedTiles(rows, tileColumns) + 1;
      if (cost <= choice.cost) choice = { cost, rows: [rows, ...rest.rows] };
    }
    best.push(choice);
  }
  let firstRow = 0;
  return best[tileRows]!.rows.map((rows) => {
    const block = { firstRow, rows };
    firstRow += rows;
    return block;
  });
}

/** Where the parts of a direction lie in the scratch space, in bytes. */
export interface WinogradScratch {
  /** Transformed inputs of a block: [36, tiles, channels]. */
  readonly inputs: number;
  /** Transformed outputs, or output gradients, of a block: [36, tiles, filters]. */
  readonly outputs: number;
  /** Transformed filter gradients: [36, channels, filters]. */
  readonly gradients: number;
  readonly bytes: number;
}

/** Lays out the scratch space: the plane first, then the blocks. */
export function winogradScratch(geometry: WinogradGeometry, withGradients: boolean): WinogradScratch {
  const { channels, filters, blockTiles } = geometry;
  const inputs = geometry.onPlane ? planeBytes(geometry.placement) : 0;
  const outputs = inputs + CELLS * cellBytes(blockTiles, channels);
  const gradients = outputs + CELLS * cellBytes(blockTiles, filters);
  return { inputs, outputs, gradients, bytes: gradients + (withGradients ? CELLS * channels * filters * FLOAT : 0) };
}
