import { FunctionBuilder } from "../assembler.js";
import { FLOAT, LANES, VECTOR } from "../vectors.js";
import { CELLS, matrixCell } from "./geometry.js";
import { createTransformLocals, emitTransform2d } from "./transform2d.js";
import { filterGradientTransform, filterTransform, POINTS } from "./transforms.js";

/** Side of the kernel. */
const KERNEL = 3;

/** Filters and how they are taken. */
export interface FilterSizes {
  readonly channels: number;
  readonly filters: number;
  /** Taps in reverse order, that is turned by 180°. */
  readonly turned: boolean;
}

/**
 * Emits `pack(filter, packed)`: G g Gᵀ of [3, 3, channels, filters], in the order in which `products` reads it: cell, block
 * of `vectors` vectors of filters, channel, filter.
 */
export function emitPack({ channels, filters, turned }: FilterSizes, vectors: 2 | 4): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [filter, packed] = f.parameters;
  const [block, channel, source] = f.locals("i32", 3);
  const locals = createTransformLocals(f, filterTransform, 1);
  const tapBytes = channels * filters * FLOAT;
  const cell = matrixCell(channels, filters);
  f.repeat(block, filters / (vectors * LANES), () => {
    f.get(filter).set(source);
    f.repeat(channel, channels, () => {
      for (let v = 0; v < vectors; v++) {
        emitTransform2d(f, filterTransform, locals, {
          load: (i, j) => f.get(source).memory("v128.load", tap(i, j, turned) * tapBytes + v * VECTOR),
          store: (i, j, [value]) =>
            f
              .get(packed)
              .get(value!)
              .memory("v128.store", (i * POINTS + j) * cell + v * VECTOR),
        });
      }
      f.increment(source, filters * FLOAT).increment(packed, vectors * VECTOR);
    });
    f.increment(filter, vectors * VECTOR);
  });
  return f;
}

/** Emits `finish(sums, gradient)`: Gᵀ u G of each channel and filter, to [3, 3, channels, filters]. */
export function emitFinish({ channels, filters, turned }: FilterSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [sums, gradient] = f.parameters;
  const vector = f.local("i32");
  const locals = createTransformLocals(f, filterGradientTransform, 1);
  const tapBytes = channels * filters * FLOAT;
  const cell = matrixCell(channels, filters);
  f.repeat(vector, (channels * filters) / LANES, () => {
    emitTransform2d(f, filterGradientTransform, locals, {
      load: (i, j) => f.get(sums).memory("v128.load", (i * POINTS + j) * cell),
      store: (i, j, [value]) =>
        f
          .get(gradient)
          .get(value!)
          .memory("v128.store", tap(i, j, turned) * tapBytes),
    });
    f.increment(sums, VECTOR).increment(gradient, VECTOR);
  });
  return f;
}

function tap(i: number, j: number, turned: boolean): number {
  const index = i * KERNEL + j;
  return turned ? KERNEL * KERNEL - 1 - index : index;
}

/** Emits `clear(sums)`: zeros for `accumulate` to add to. */
export function emitClear({ channels, filters }: FilterSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32"]);
  return f
    .get(f.parameters[0])
    .i32(0)
    .i32(CELLS * matrixCell(channels, filters))
    .memoryFill();
}

/** Emits `transpose(filter, transposed)`: [3, 3, channels, filters] to [3, 3, filters, channels], 4×4 values at a time. */
export function emitTranspose(channels: number, filters: number): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [filter, transposed] = f.parameters;
  const [tap, row, column, target] = f.locals("i32", 4);
  const rows = f.locals("v128", LANES);
  const [a, b, c, d] = rows;
  const [low, high] = f.locals("v128", 2);
  const rowBytes = filters * FLOAT;
  const targetBytes = channels * FLOAT;
  f.repeat(tap, KERNEL * KERNEL, () => {
    f.repeat(row, channels / LANES, () => {
      f.get(transposed).set(target);
      f.repeat(column, filters / LANES, () => {
        for (const [index, value] of rows.entries())
          f.get(filter)
            .memory("v128.load", index * rowBytes)
            .set(value);
        for (const [half, first, second] of [
          [0, 0, 1],
          [2, 2, 3],
        ] as const) {
          f.get(a)
            .get(b)
            .shuffle32(half, half + 4, half + 1, half + 5)
            .set(low);
          f.get(c)
            .get(d)
            .shuffle32(half, half + 4, half + 1, half + 5)
            .set(high);
          f.get(target)
            .get(low)
            .get(high)
            .shuffle32(0, 1, 4, 5)
            .memory("v128.store", first * targetBytes);
          f.get(target)
            .get(low)
            .get(high)
            .shuffle32(2, 3, 6, 7)
            .memory("v128.store", second * targetBytes);
        }
        f.increment(filter, VECTOR).increment(target, LANES * targetBytes);
      });
      f.increment(filter, (LANES - 1) * rowBytes).increment(transposed, VECTOR);
    });
    f.increment(transposed, (filters - 1) * targetBytes);
  });
  return f;
}
