import { FunctionBuilder } from "../assembler.js";
import {
  clearTile,
  createTile,
  emitMatrixProduct,
  emitOuterProducts,
  loadTile,
  storeTile,
  subTile,
  type Tile,
} from "../products.js";
import { FLOAT, LANES, VECTOR } from "../vectors.js";
import { type Blocks, CELLS, matrixCell, PRODUCT_TILES } from "./geometry.js";

/** Sizes of the 36 matrix products of a block of tiles. */
export interface ProductSizes {
  readonly blocks: Blocks;
  /** Rows of tiles in this block. */
  readonly rows: number;
  readonly channels: number;
  readonly filters: number;
  /** Vectors of filters that are taken together. */
  readonly vectors: 2 | 4;
}

/**
 * Emits `products(inputs, packed, outputs)`: for each of the 36 cells outputs[tile, filter] = Σ over channels of
 * inputs[tile, channel] · packed[channel, filter].
 */
export function emitProducts({ blocks, rows, channels, filters, vectors }: ProductSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [inputs, packed, outputs] = f.parameters;
  const [cell, block, group, end] = f.locals("i32", 4);
  const [x, w, blockInputs, blockOutputs] = f.locals("i32", 4);
  const whole = createTile(f, PRODUCT_TILES, vectors);
  const tiles = rows * blocks.columns;
  const inputBytes = channels * FLOAT;
  const outputBytes = filters * FLOAT;
  const blockBytes = vectors * VECTOR;
  const emitGroup = (tile: Tile) => {
    clearTile(f, tile);
    f.get(blockInputs).set(x).get(packed).set(w);
    emitMatrixProduct(f, tile, { x, rowBytes: inputBytes, w, wBytes: blockBytes, depth: channels, end });
    storeTile(f, tile, { address: blockOutputs, rowBytes: outputBytes, count: vectors * LANES });
    f.increment(blockInputs, tile.rows * inputBytes).increment(blockOutputs, tile.rows * outputBytes);
  };
  f.repeat(cell, CELLS, () => {
    f.repeat(block, filters / (vectors * LANES), () => {
      f.get(inputs).set(blockInputs).get(outputs).set(blockOutputs);
      const groups = Math.floor(tiles / PRODUCT_TILES);
      if (groups > 0) f.repeat(group, groups, () => emitGroup(whole));
      if (tiles % PRODUCT_TILES > 0) emitGroup(subTile(whole, tiles % PRODUCT_TILES, vectors));
      f.increment(packed, channels * blockBytes).increment(outputs, blockBytes);
    });
    f.increment(packed, matrixCell(channels, filters) - channels * filters * FLOAT);
    f.increment(inputs, blocks.inputCell).increment(outputs, blocks.outputCell - outputBytes);
  });
  return f;
}

/** Channels that `accumulate` takes together. */
const ACCUMULATE_ROWS = 4;

/**
 * Emits `accumulate(inputs, gradients, sums)`: for each of the 36 cells sums[channel, filter] += Σ over tiles of
 * inputs[tile, channel] · gradients[tile, filter].
 */
export function emitAccumulate({ blocks, rows, channels, filters, vectors }: ProductSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [inputs, gradients, sums] = f.parameters;
  const [cell, run, block, end] = f.locals("i32", 4);
  const [x, g, blockGradients] = f.locals("i32", 3);
  const tile = createTile(f, ACCUMULATE_ROWS, vectors);
  const inputBytes = channels * FLOAT;
  const gradientBytes = filters * FLOAT;
  const positions = rows * blocks.columns;
  f.repeat(cell, CELLS, () => {
    f.repeat(run, channels / ACCUMULATE_ROWS, () => {
      f.get(gradients).set(blockGradients);
      f.repeat(block, filters / (vectors * LANES), () => {
        loadTile(f, tile, sums, gradientBytes);
        f.get(inputs).set(x).get(blockGradients).set(g);
        emitOuterProducts(f, tile, { x, xBytes: inputBytes, g, gBytes: gradientBytes, positions, end });
        storeTile(f, tile, { address: sums, rowBytes: gradientBytes, count: vectors * LANES });
        f.increment(blockGradients, vectors * VECTOR).increment(sums, vectors * VECTOR);
      });
      f.increment(sums, (ACCUMULATE_ROWS - 1) * gradientBytes).increment(inputs, ACCUMULATE_ROWS * FLOAT);
    });
    f.increment(sums, matrixCell(channels, filters) - channels * gradientBytes);
    f.increment(inputs, blocks.inputCell - inputBytes);
    f.increment(gradients, blocks.outputCell);
  });
  return f;
}
