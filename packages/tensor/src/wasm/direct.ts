import { FunctionBuilder } from "./assembler.js";
import { createTile, emitMatrixProduct, emitOuterProducts, subTile } from "./products.js";
import { channelBlocks, FLOAT, LANES, storeVectors, VECTOR, vectorsFor } from "./vectors.js";

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
/** A depth up to this is unrolled whole: the loop around so few steps would cost more than the spills. */
const UNROLLED = 9;

/** Number of values that {@link packFilter} writes. */
export function packedFilterSize(values: number, filters: number): number {
  return values * vectorsFor(filters) * LANES;
}

/**
 * Lays filters out in the order in which `correlate` reads them: block of filters, kernel row, kernel column, channel,
 * filter, the last block filled up with zeros.
 * @param source [kernel, kernel, channels, filters]
 * @param turned the filters of the input gradient: turned by 180°, channels and filters exchanged
 */
export function packFilter(
  target: Float32Array,
  source: Float32Array,
  sizes: {
    readonly kernel: number;
    readonly channels: number;
    readonly filters: number;
    readonly vectors: number;
    readonly turned: boolean;
  },
): void {
  const { kernel, channels, filters, vectors, turned } = sizes;
  const depth = turned ? filters : channels;
  const width = turned ? channels : filters;
  const cells = kernel * kernel;
  let at = 0;
  for (const block of channelBlocks(width, vectors)) {
    for (let index = 0; index < block.count; index++) {
      const first = block.start + index * block.channels;
      for (let cell = 0; cell < cells; cell++) {
        for (let k = 0; k < depth; k++) {
          for (let lane = 0; lane < vectorsFor(block.channels) * LANES; lane++) {
            const column = first + lane;
            const from = turned
              ? ((cells - 1 - cell) * channels + column) * filters + k
              : (cell * channels + k) * filters + column;
            target[at++] = lane < block.channels ? source[from]! : 0;
          }
        }
      }
    }
  }
}

/** Emits `correlate(plane, packedFilter, bias, output)` for one picture; `bias` is padded to whole vectors. */
export function emitCorrelate(shape: Correlation, vectors: number): FunctionBuilder {
  const { planeWidth, channels, kernel, stride, outputHeight, outputWidth, filters, relu } = shape;
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32"]);
  const [plane, packed, bias, output] = f.parameters;
  const [blocks, rows, tiles, cells, counter] = f.locals("i32", 5);
  const [planeRow, outputRow, tilePlane, tileOutput, x, w] = f.locals("i32", 6);
  const whole = createTile(f, ROWS, Math.min(vectors, vectorsFor(filters)));
  const pixelBytes = channels * FLOAT;
  const depth = kernel * channels;

  for (const block of channelBlocks(filters, vectors)) {
    const blockVectors = vectorsFor(block.channels);
    const emitTile = (pixels: number) => {
      const tile = subTile(whole, pixels, blockVectors);
      tile.sums.forEach((row) => {
        row.forEach((sum, v) =>
          f
            .get(bias)
            .memory("v128.load", v * VECTOR)
            .set(sum),
        );
      });
      f.get(packed).set(w).get(tilePlane).set(x);
      f.repeat(cells, kernel, () => {
        const unroll = depth <= UNROLLED ? depth : 1;
        emitMatrixProduct(f, tile, { x, rowBytes: stride * pixelBytes, w, depth, unroll, counter });
        f.increment(x, (planeWidth - kernel) * pixelBytes);
      });
      tile.sums.forEach((row, pixel) => {
        if (relu) for (const sum of row) f.get(sum).f32x4(0).op("f32x4.max").set(sum);
        storeVectors(f, { address: tileOutput, offset: pixel * filters * FLOAT, values: row, count: block.channels });
      });
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
      f.increment(packed, kernel * depth * blockVectors * VECTOR)
        .increment(bias, blockVectors * VECTOR)
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
  const [cells, runs, blocks, rows, counter] = f.locals("i32", 5);
  const [x, g, blockOutput, blockGradient] = f.locals("i32", 4);
  const whole = createTile(f, ROWS, Math.min(vectors, vectorsFor(filters)));
  const depth = kernel * channels;
  const planeRowBytes = planeWidth * channels * FLOAT;
  const filterBytes = filters * FLOAT;

  /** The gradients of `height` neighbouring values of a kernel row, for all filters; then on to the next values. */
  const emitRun = (height: number) => {
    f.get(outputGradient).set(blockOutput).get(gradient).set(blockGradient);
    for (const block of channelBlocks(filters, vectors)) {
      const tile = subTile(whole, height, vectorsFor(block.channels));
      f.repeat(blocks, block.count, () => {
        tile.sums.forEach((row, i) => {
          row.forEach((sum, v) =>
            f
              .get(blockGradient)
              .memory("v128.load", i * filterBytes + v * VECTOR)
              .set(sum),
          );
        });
        f.get(plane).set(x).get(blockOutput).set(g);
        f.repeat(rows, outputHeight, () => {
          const xBytes = stride * channels * FLOAT;
          emitOuterProducts(f, tile, { x, xBytes, g, gBytes: filterBytes, positions: outputWidth, counter });
          f.increment(x, stride * planeRowBytes - outputWidth * xBytes);
        });
        tile.sums.forEach((row, i) => {
          storeVectors(f, { address: blockGradient, offset: i * filterBytes, values: row, count: block.channels });
        });
        f.increment(blockGradient, block.channels * FLOAT).increment(blockOutput, block.channels * FLOAT);
      });
    }
    f.increment(plane, height * FLOAT).increment(gradient, height * filterBytes);
  };

  f.repeat(cells, kernel, () => {
    const wholeRuns = Math.floor(depth / ROWS);
    if (wholeRuns > 0) f.repeat(runs, wholeRuns, () => emitRun(ROWS));
    if (depth % ROWS > 0) emitRun(depth % ROWS);
    f.increment(plane, planeRowBytes - depth * FLOAT);
  });
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
