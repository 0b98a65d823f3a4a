import { FunctionBuilder, type Local } from "../assembler.js";
import { clearTile, createTile, emitMatrixProduct, emitOuterProducts, loadTile, storeTile } from "../products.js";
import { FLOAT, LANES, VECTOR } from "../vectors.js";
import { CELLS, cellBytes, PRODUCT_TILES, paddedTiles, type WinogradGeometry } from "./geometry.js";
import {
  createTransformLocals,
  emitTransform2d,
  filterGradientTransform,
  filterTransform,
  gradientTransform,
  inputTransform,
  outputTransform,
  POINTS,
  TILE,
} from "./transforms.js";

/** Emits `inputs(plane, transformed)`: Bᵀ d B of `rows` rows of tiles, to [36, tiles, channels]. */
export function emitInputTransform(geometry: WinogradGeometry, rows: number): FunctionBuilder {
  const { tileColumns, channels, placement } = geometry;
  const f = new FunctionBuilder(["i32", "i32"]);
  const [plane, transformed] = f.parameters;
  const [row, column, vector] = f.locals("i32", 3);
  const locals = createTransformLocals(f, inputTransform);
  const pixelBytes = channels * FLOAT;
  const rowBytes = placement.planeWidth * pixelBytes;
  const inputCell = cellBytes(paddedTiles(rows, tileColumns), channels);
  f.repeat(row, rows, () => {
    f.repeat(column, tileColumns, () => {
      f.repeat(vector, channels / LANES, () => {
        emitTransform2d(f, inputTransform, locals, {
          load: (i, j) => f.get(plane).memory("v128.load", i * rowBytes + j * pixelBytes),
          store: (i, j, value) =>
            f
              .get(transformed)
              .get(value)
              .memory("v128.store", (i * POINTS + j) * inputCell),
        });
        f.increment(plane, VECTOR).increment(transformed, VECTOR);
      });
      f.increment(plane, (TILE - 1) * pixelBytes);
    });
    f.increment(plane, TILE * rowBytes - tileColumns * TILE * pixelBytes);
  });
  return f;
}

/**
 * Emits `products(inputs, filters, outputs)`: for each of the 36 cells outputs[tile, filter] = Σ over channels of
 * inputs[tile, channel] · filters[channel, filter].
 */
export function emitProducts(geometry: WinogradGeometry, rows: number, vectors: number): FunctionBuilder {
  const { tileColumns, channels, filters } = geometry;
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [inputs, packed, outputs] = f.parameters;
  const [cell, block, tiles, counter] = f.locals("i32", 4);
  const [x, w, blockInputs, blockOutputs] = f.locals("i32", 4);
  const blockTiles = paddedTiles(rows, tileColumns);
  const tile = createTile(f, PRODUCT_TILES, vectors);
  const inputBytes = channels * FLOAT;
  const outputBytes = filters * FLOAT;
  const blockBytes = vectors * VECTOR;
  f.repeat(cell, CELLS, () => {
    f.repeat(block, filters / (vectors * LANES), () => {
      f.get(inputs).set(blockInputs).get(outputs).set(blockOutputs);
      f.repeat(tiles, blockTiles / PRODUCT_TILES, () => {
        clearTile(f, tile);
        f.get(blockInputs).set(x).get(packed).set(w);
        emitMatrixProduct(f, tile, { x, rowBytes: inputBytes, w, wBytes: blockBytes, depth: channels, counter });
        storeTile(f, tile, { address: blockOutputs, rowBytes: outputBytes, count: vectors * LANES });
        f.increment(blockInputs, PRODUCT_TILES * inputBytes).increment(blockOutputs, PRODUCT_TILES * outputBytes);
      });
      f.increment(packed, channels * blockBytes).increment(outputs, blockBytes);
    });
    f.increment(inputs, cellBytes(blockTiles, channels)).increment(
      outputs,
      cellBytes(blockTiles, filters) - outputBytes,
    );
  });
  return f;
}

/** The parts of a block of tiles that differ in how much of a tile lies inside the output. */
function emitTiles(
  f: FunctionBuilder,
  geometry: WinogradGeometry,
  block: { readonly firstRow: number; readonly rows: number },
  emit: (inside: { readonly height: number; readonly width: number }) => void,
  advance: { readonly tile: () => void; readonly row: () => void },
): void {
  const { tileColumns, tileRows, outputHeight, outputWidth } = geometry;
  const [row, column] = f.locals("i32", 2);
  const lastHeight = outputHeight - (tileRows - 1) * TILE;
  const lastWidth = outputWidth - (tileColumns - 1) * TILE;
  const emitRow = (height: number) => {
    const wholeColumns = lastWidth === TILE ? tileColumns : tileColumns - 1;
    const emitTile = (width: number) => {
      emit({ height, width });
      advance.tile();
    };
    if (wholeColumns > 0) f.repeat(column, wholeColumns, () => emitTile(TILE));
    if (lastWidth !== TILE) emitTile(lastWidth);
    advance.row();
  };
  const cut = block.firstRow + block.rows === tileRows && lastHeight !== TILE;
  const wholeRows = cut ? block.rows - 1 : block.rows;
  if (wholeRows > 0) f.repeat(row, wholeRows, () => emitRow(TILE));
  if (cut) emitRow(lastHeight);
}

/** Emits `outputs(transformed, bias, output)`: Aᵀ m A plus bias, then ReLU if wanted, of a block of tiles. */
export function emitOutputTransform(
  geometry: WinogradGeometry,
  block: { readonly firstRow: number; readonly rows: number },
  relu: boolean,
): FunctionBuilder {
  const { tileColumns, filters, outputWidth } = geometry;
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [transformed, bias, output] = f.parameters;
  const [vector, biasAt] = f.locals("i32", 2);
  const biasVector = f.local("v128");
  const locals = createTransformLocals(f, outputTransform);
  const pixelBytes = filters * FLOAT;
  const rowBytes = outputWidth * pixelBytes;
  const outputCell = cellBytes(paddedTiles(block.rows, tileColumns), filters);
  emitTiles(
    f,
    geometry,
    block,
    ({ height, width }) => {
      f.get(bias).set(biasAt);
      f.repeat(vector, filters / LANES, () => {
        f.get(biasAt).memory("v128.load").set(biasVector);
        emitTransform2d(f, outputTransform, locals, {
          load: (i, j) => f.get(transformed).memory("v128.load", (i * POINTS + j) * outputCell),
          store(i, j, value) {
            if (i >= height || j >= width) return;
            f.get(output).get(value).get(biasVector).op("f32x4.add");
            if (relu) f.f32x4(0).op("f32x4.max");
            f.memory("v128.store", i * rowBytes + j * pixelBytes);
          },
        });
        f.increment(transformed, VECTOR).increment(output, VECTOR).increment(biasAt, VECTOR);
      });
    },
    {
      tile: () => f.increment(output, (TILE - 1) * pixelBytes),
      row: () => f.increment(output, TILE * rowBytes - tileColumns * TILE * pixelBytes),
    },
  );
  return f;
}

/** Emits `gradients(outputGradient, transformed)`: A dy Aᵀ of a block of tiles, to [36, tiles, filters]. */
export function emitGradientTransform(
  geometry: WinogradGeometry,
  block: { readonly firstRow: number; readonly rows: number },
): FunctionBuilder {
  const { tileColumns, filters, outputWidth } = geometry;
  const f = new FunctionBuilder(["i32", "i32"]);
  const [outputGradient, transformed] = f.parameters;
  const vector = f.local("i32");
  const locals = createTransformLocals(f, gradientTransform);
  const pixelBytes = filters * FLOAT;
  const rowBytes = outputWidth * pixelBytes;
  const outputCell = cellBytes(paddedTiles(block.rows, tileColumns), filters);
  emitTiles(
    f,
    geometry,
    block,
    ({ height, width }) => {
      f.repeat(vector, filters / LANES, () => {
        emitTransform2d(f, gradientTransform, locals, {
          load(i, j) {
            if (i >= height || j >= width) f.f32x4(0);
            else f.get(outputGradient).memory("v128.load", i * rowBytes + j * pixelBytes);
          },
          store: (i, j, value) =>
            f
              .get(transformed)
              .get(value)
              .memory("v128.store", (i * POINTS + j) * outputCell),
        });
        f.increment(outputGradient, VECTOR).increment(transformed, VECTOR);
      });
    },
    {
      tile: () => f.increment(outputGradient, (TILE - 1) * pixelBytes),
      row: () => f.increment(outputGradient, TILE * rowBytes - tileColumns * TILE * pixelBytes),
    },
  );
  return f;
}

/**
 * Emits `accumulate(inputs, gradients, sums)`: for each of the 36 cells sums[channel, filter] += Σ over tiles of
 * inputs[tile, channel] · gradients[tile, filter].
 */
export function emitAccumulate(geometry: WinogradGeometry, rows: number, vectors: number): FunctionBuilder {
  const { tileColumns, channels, filters } = geometry;
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [inputs, gradients, sums] = f.parameters;
  const [cell, run, block, counter] = f.locals("i32", 4);
  const [x, g, blockGradients] = f.locals("i32", 3);
  const height = 4;
  const tile = createTile(f, height, vectors);
  const inputBytes = channels * FLOAT;
  const gradientBytes = filters * FLOAT;
  const blockTiles = paddedTiles(rows, tileColumns);
  f.repeat(cell, CELLS, () => {
    f.repeat(run, channels / height, () => {
      f.get(gradients).set(blockGradients);
      f.repeat(block, filters / (vectors * LANES), () => {
        loadTile(f, tile, sums, gradientBytes);
        f.get(inputs).set(x).get(blockGradients).set(g);
        const positions = rows * tileColumns;
        emitOuterProducts(f, tile, { x, xBytes: inputBytes, g, gBytes: gradientBytes, positions, counter });
        storeTile(f, tile, { address: sums, rowBytes: gradientBytes, count: vectors * LANES });
        f.increment(blockGradients, vectors * VECTOR).increment(sums, vectors * VECTOR);
      });
      f.increment(sums, (height - 1) * gradientBytes).increment(inputs, height * FLOAT);
    });
    f.increment(inputs, cellBytes(blockTiles, channels) - inputBytes);
    f.increment(gradients, cellBytes(blockTiles, filters));
  });
  return f;
}

/** Emits `clear(address)`: zeros for the sums of `accumulate`. */
export function emitClear(bytes: number): FunctionBuilder {
  const f = new FunctionBuilder(["i32"]);
  return f.get(f.parameters[0]).i32(0).i32(bytes).memoryFill();
}

/** Emits `finish(sums, gradient)`: Gᵀ u G of each channel and filter, to [3, 3, channels, filters]. */
export function emitFinish({ channels, filters }: WinogradGeometry): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [sums, gradient] = f.parameters;
  const vector = f.local("i32");
  const locals = createTransformLocals(f, filterGradientTransform);
  const matrixBytes = channels * filters * FLOAT;
  f.repeat(vector, (channels * filters) / LANES, () => {
    emitTransform2d(f, filterGradientTransform, locals, {
      load: (i, j) => f.get(sums).memory("v128.load", (i * POINTS + j) * matrixBytes),
      store: (i, j, value) =>
        f
          .get(gradient)
          .get(value)
          .memory("v128.store", (i * 3 + j) * matrixBytes),
    });
    f.increment(sums, VECTOR).increment(gradient, VECTOR);
  });
  return f;
}

/** Emits `pack(filter, packed)`: G g Gᵀ, in the order in which `products` reads it: cell, block of filters, channel, filter. */
export function emitPack(geometry: WinogradGeometry, vectors: number): FunctionBuilder {
  const { channels, filters } = geometry;
  const f = new FunctionBuilder(["i32", "i32"]);
  const [filter, packed] = f.parameters;
  const [block, channel, source] = f.locals("i32", 3);
  const locals = createTransformLocals(f, filterTransform);
  const matrixBytes = channels * filters * FLOAT;
  const emitVector = (source: Local, v: number) =>
    emitTransform2d(f, filterTransform, locals, {
      load: (i, j) => f.get(source).memory("v128.load", (i * 3 + j) * matrixBytes + v * VECTOR),
      store: (i, j, value) =>
        f
          .get(packed)
          .get(value)
          .memory("v128.store", (i * POINTS + j) * matrixBytes + v * VECTOR),
    });
  f.repeat(block, filters / (vectors * LANES), () => {
    f.get(filter).set(source);
    f.repeat(channel, channels, () => {
      for (let v = 0; v < vectors; v++) emitVector(source, v);
      f.increment(source, filters * FLOAT).increment(packed, vectors * VECTOR);
    });
    f.increment(filter, vectors * VECTOR);
  });
  return f;
}
