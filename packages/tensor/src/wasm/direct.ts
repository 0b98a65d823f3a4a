import { FunctionBuilder } from "./assembler.js";
import { createTile, emitMatrixProduct, emitOuterProducts, loadTile, storeTile, subTile } from "./products.js";
import { channelBlocks, FLOAT, storeVectors, VECTOR, vectorsFor } from "./vectors.js";

/** Correlation of a plane with filters, without padding: what every direct convolution and matrix product comes down to. */
export interface Correlation {
  readonly planeWidth: number;
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly filters: number;
  readonly relu: boolean;
}

/** Rows of a tile: pixels in the forward pass, values of a patch in the filter gradient. */
const ROWS = 4;
/** Inputs and output gradients that all filter gradients are taken from before the next: what the first-level cache holds. */
const BAND_BYTES = 20_000;

/**
 * The filters of the input gradient: turned by 180°, channels and filters exchanged.
 * @param source [cells, channels, filters]
 * @param target [cells, filters, channels]
 */
export function turnFilter(
  target: Float32Array,
  source: Float32Array,
  sizes: { readonly cells: number; readonly channels: number; readonly filters: number },
): void {
  const { cells, channels, filters } = sizes;
  const cellSize = channels * filters;
  for (let cell = 0; cell < cells; cell++) {
    const from = (cells - 1 - cell) * cellSize;
    const to = cell * cellSize;
    for (let c = 0; c < channels; c++) {
      for (let f = 0; f < filters; f++) target[to + f * channels + c] = source[from + c * filters + f]!;
    }
  }
}

/**
 * Emits `correlate(plane, filter, bias, output)` for one picture. Of the last block's vectors, lanes past the last filter
 * read what lies behind; they are computed with and not stored.
 */
export function emitCorrelate(shape: Correlation, tileVectors: number): FunctionBuilder {
  const { planeWidth, channels, kernel, stride, outputHeight, outputWidth, filters, relu } = shape;
  // As many sums as in a whole tile where its rows are fewer: a picture alone in a linear layer takes half the time.
  const vectors = Math.floor((ROWS * tileVectors) / Math.min(ROWS, outputWidth));
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32"]);
  const [plane, filter, bias, output] = f.parameters;
  const [blocks, rows, tiles, cells, end] = f.locals("i32", 5);
  const [planeRow, outputRow, tilePlane, tileOutput, x, w] = f.locals("i32", 6);
  const whole = createTile(f, ROWS, Math.min(vectors, vectorsFor(filters)));
  const pixelBytes = channels * FLOAT;
  const depth = kernel * channels;
  const wBytes = filters * FLOAT;

  for (const block of channelBlocks(filters, vectors)) {
    const blockVectors = vectorsFor(block.channels);
    const emitTile = (pixels: number) => {
      const tile = subTile(whole, pixels, blockVectors);
      loadTile(f, tile, bias, 0);
      f.get(filter).set(w).get(tilePlane).set(x);
      f.repeat(cells, kernel, () => {
        emitMatrixProduct(f, tile, { x, rowBytes: stride * pixelBytes, w, wBytes, depth, end });
        f.increment(x, (planeWidth - kernel) * pixelBytes);
      });
      // The pseudo-maximum is one machine instruction, the maximum eight; it keeps NaN, its first operand, too.
      if (relu) for (const sum of tile.sums.flat()) f.get(sum).f32x4(0).op("f32x4.pmax").set(sum);
      storeTile(f, tile, { address: tileOutput, rowBytes: filters * FLOAT, count: block.channels });
    };
    f.repeat(blocks, block.count, () => {
      f.get(plane).set(planeRow).get(output).set(outputRow);
      f.repeat(rows, outputHeight, () => {
        f.get(planeRow).set(tilePlane).get(outputRow).set(tileOutput);
        const fullTiles = Math.floor(outputWidth / ROWS);
        if (fullTiles > 0) {
          f.repeat(tiles, fullTiles, () => {
            emitTile(ROWS);
            f.increment(tilePlane, ROWS * stride * pixelBytes).increment(tileOutput, ROWS * filters * FLOAT);
          });
        }
        if (outputWidth % ROWS > 0) emitTile(outputWidth % ROWS);
        f.increment(planeRow, stride * planeWidth * pixelBytes).increment(outputRow, outputWidth * filters * FLOAT);
      });
      f.increment(filter, block.channels * FLOAT)
        .increment(bias, block.channels * FLOAT)
        .increment(output, block.channels * FLOAT);
    });
  }
  return f;
}

/**
 * Emits `filterGradient(plane, outputGradient, gradient)` for one picture: adds Σ over output pixels of plane[y·stride + i,
 * x·stride + j, c] · outputGradient[y, x, f] to gradient[i, j, c, f].
 */
export function emitFilterGradient(shape: Correlation, vectors: number): FunctionBuilder {
  const { planeWidth, channels, kernel, stride, outputHeight, outputWidth, filters } = shape;
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [plane, outputGradient, gradient] = f.parameters;
  const [bands, cells, runs, blocks, rows, end] = f.locals("i32", 6);
  const [x, g, bandPlane, bandGradient, blockOutput, blockGradient] = f.locals("i32", 6);
  const whole = createTile(f, ROWS, Math.min(vectors, vectorsFor(filters)));
  const depth = kernel * channels;
  const planeRowBytes = planeWidth * channels * FLOAT;
  const filterBytes = filters * FLOAT;
  const outputRowBytes = outputWidth * filterBytes;

  /** The gradients of `height` neighbouring values of a kernel row, for all filters; then on to the next values. */
  const emitRun = (height: number, bandRows: number) => {
    f.get(outputGradient).set(blockOutput).get(bandGradient).set(blockGradient);
    for (const block of channelBlocks(filters, vectors)) {
      const tile = subTile(whole, height, vectorsFor(block.channels));
      f.repeat(blocks, block.count, () => {
        loadTile(f, tile, blockGradient, filterBytes);
        f.get(bandPlane).set(x).get(blockOutput).set(g);
        f.repeat(rows, bandRows, () => {
          const xBytes = stride * channels * FLOAT;
          emitOuterProducts(f, tile, { x, xBytes, g, gBytes: filterBytes, positions: outputWidth, end });
          f.increment(x, stride * planeRowBytes - outputWidth * xBytes);
        });
        storeTile(f, tile, { address: blockGradient, rowBytes: filterBytes, count: block.channels });
        f.increment(blockGradient, block.channels * FLOAT).increment(blockOutput, block.channels * FLOAT);
      });
    }
    f.increment(bandPlane, height * FLOAT).increment(bandGradient, height * filterBytes);
  };

  /** What so many rows of outputs add to all gradients. */
  const emitBand = (bandRows: number) => {
    f.get(plane).set(bandPlane).get(gradient).set(bandGradient);
    f.repeat(cells, kernel, () => {
      // Runs as long as each other: one that is left with a single value would wait for each of its additions.
      const count = Math.ceil(depth / ROWS);
      const height = Math.floor(depth / count);
      const longer = depth % count;
      if (longer > 0) f.repeat(runs, longer, () => emitRun(height + 1, bandRows));
      f.repeat(runs, count - longer, () => emitRun(height, bandRows));
      f.increment(bandPlane, planeRowBytes - depth * FLOAT);
    });
    f.increment(plane, bandRows * stride * planeRowBytes).increment(outputGradient, bandRows * outputRowBytes);
  };

  const mostRows = Math.max(1, Math.floor(BAND_BYTES / (stride * planeRowBytes + outputRowBytes)));
  const bandRows = Math.min(mostRows, outputHeight);
  f.repeat(bands, Math.floor(outputHeight / bandRows), () => emitBand(bandRows));
  if (outputHeight % bandRows > 0) emitBand(outputHeight % bandRows);
  return f;
}

/** Vectors summed side by side, so that no addition waits for the one before. */
const BIAS_VECTORS = 8;

/** Emits `biasGradient(outputGradient, gradient)`: the sum over all `pixels`. */
export function emitBiasGradient(pixels: number, filters: number): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [outputGradient, gradient] = f.parameters;
  const [blocks, counter, g] = f.locals("i32", 3);
  const sums = f.locals("v128", Math.min(BIAS_VECTORS, vectorsFor(filters)));
  for (const block of channelBlocks(filters, BIAS_VECTORS)) {
    const used = sums.slice(0, vectorsFor(block.channels));
    f.repeat(blocks, block.count, () => {
      for (const sum of used) f.f32x4(0).set(sum);
      f.get(outputGradient).set(g);
      f.repeat(counter, pixels, () => {
        used.forEach((sum, v) => {
          f.get(sum)
            .get(g)
            .memory("v128.load", v * VECTOR)
            .op("f32x4.add")
            .set(sum);
        });
        f.increment(g, filters * FLOAT);
      });
      storeVectors(f, { address: gradient, offset: 0, values: used, count: block.channels });
      f.increment(outputGradient, block.channels * FLOAT).increment(gradient, block.channels * FLOAT);
    });
  }
  return f;
}
