import { FunctionBuilder, type Local } from "../assembler.js";
import type { KernelFunctions } from "../context.js";
import { FLOAT, LANES, VECTOR } from "../vectors.js";
import { type Grid, type Range, type Run, runsOf, type Side, tileRange, windowRange } from "./geometry.js";
import { createTransformLocals, emitTransform2d } from "./transform2d.js";
import {
  gatherTransform,
  POINTS,
  scatterTransform,
  TILE,
  type Transform,
  tileTransform,
  windowTransform,
} from "./transforms.js";

/*
 * What turns pictures into transformed tiles and back, a row of tiles at a call. Zeros around a picture are not stored
 * anywhere: rows and columns of tiles that reach over an edge are emitted apart, and read and write what lies inside.
 */

/** The functions for the rows of tiles of a picture, and where each row begins. */
export interface RowStage {
  /** Name of the function for each row. */
  readonly names: readonly string[];
  /** Bytes from the picture's first value to the first one that the row reads or writes. */
  readonly offsets: readonly number[];
  readonly pictureBytes: number;
  emit(): ReadonlyMap<string, FunctionBuilder>;
}

/** What the row stages have in common. */
export interface RowOptions {
  /** Distinguishes the stages of a module. */
  readonly name: string;
  readonly side: Side;
  readonly grid: Grid;
  /** Bytes from one of the 36 cells to the next. */
  readonly cell: number;
  /** Vectors that are treated alike, side by side. */
  readonly sides: 1 | 2;
}

/** `(picture, transformed)`: Bᵀ d B of 6×6 windows, with `padding` zeros around the picture. */
export function windowRows(options: RowOptions & { readonly padding: number }): RowStage {
  const { side, grid, padding } = options;
  return rowStage(options, {
    start: (row) => Math.max(0, row * TILE - padding),
    kindOf: (row) => windowRange(row, side.height, padding),
    emit: (rows) =>
      emitReader(options, windowTransform, {
        rows,
        runs: runsOf(grid.columns, (column) => windowRange(column, side.width, padding)),
      }),
  });
}

/** `(picture, transformed)`: A d Aᵀ of 4×4 tiles. */
export function tileRows(options: RowOptions): RowStage {
  const { side, grid } = options;
  return rowStage(options, {
    start: (row) => row * TILE,
    kindOf: (row) => tileRange(row, side.height),
    emit: (rows) =>
      emitReader(options, tileTransform, {
        rows,
        runs: runsOf(grid.columns, (column) => tileRange(column, side.width)),
      }),
  });
}

/** `(transformed, bias, picture)`: Aᵀ m A plus bias, then ReLU if wanted, to 4×4 tiles. */
export function gatherRows(options: RowOptions & { readonly relu: boolean }): RowStage {
  const { side, grid, relu } = options;
  return rowStage(options, {
    start: (row) => row * TILE,
    kindOf: (row) => tileRange(row, side.height),
    emit: (rows) =>
      emitWriter(options, gatherTransform, {
        runs: runsOf(grid.columns, (column) => tileRange(column, side.width)),
        store(writer, { i, j, values, columns }) {
          if (i < rows.to && j < columns.to) writer.store(i, j, values, { add: false, finish: true, relu });
        },
      }),
  });
}

/** What of a window lies inside the output, and whether other windows overlap it on either side. */
interface Overlap {
  readonly first: boolean;
  readonly last: boolean;
  readonly to: number;
}

/**
 * `(transformed, bias, picture)`: B m Bᵀ, added up where 6×6 windows overlap; whichever comes last there adds bias and, if
 * wanted, ReLU. Rows and pictures have to follow each other in order.
 */
export function scatterRows(options: RowOptions & { readonly relu: boolean }): RowStage {
  const { side, grid, relu } = options;
  const overlap = (index: number, count: number, size: number): Overlap => ({
    first: index === 0,
    last: index === count - 1,
    to: windowRange(index, size, 0).to,
  });
  return rowStage(options, {
    start: (row) => row * TILE,
    kindOf: (row) => overlap(row, grid.rows, side.height),
    emit: (rows) =>
      emitWriter(options, scatterTransform, {
        runs: runsOf(grid.columns, (column) => overlap(column, grid.columns, side.width)),
        store(writer, { i, j, values, columns }) {
          if (i >= rows.to || j >= columns.to) return;
          const add = (i < POINTS - TILE && !rows.first) || (j < POINTS - TILE && !columns.first);
          const finish = (i < TILE || rows.last) && (j < TILE || columns.last);
          writer.store(i, j, values, { add, finish, relu });
        },
      }),
  });
}

/** One function for each kind of row. */
function rowStage<Kind>(
  { name, side, grid }: RowOptions,
  rows: {
    /** First row of pixels that a row of tiles reads or writes. */
    readonly start: (row: number) => number;
    readonly kindOf: (row: number) => Kind;
    readonly emit: (kind: Kind) => FunctionBuilder;
  },
): RowStage {
  const rowBytes = side.width * side.channels * FLOAT;
  const kinds = new Map<string, Kind>();
  const names: string[] = [];
  const offsets: number[] = [];
  for (let row = 0; row < grid.rows; row++) {
    const kind = rows.kindOf(row);
    const key = `${name} ${JSON.stringify(kind)}`;
    kinds.set(key, kind);
    names.push(key);
    offsets.push(rows.start(row) * rowBytes);
  }
  return {
    names,
    offsets,
    pictureBytes: side.height * rowBytes,
    emit: () => new Map(Array.from(kinds, ([key, kind]) => [key, rows.emit(kind)])),
  };
}

/** The stage's function and its place in the pictures, for each row of tiles of all of them. */
export function bindRows(
  { names, offsets, pictureBytes }: RowStage,
  { functions, batch }: { readonly functions: KernelFunctions; readonly batch: number },
) {
  return Array.from({ length: batch * names.length }, (_, row) => {
    const within = row % names.length;
    return {
      run: functions[names[within]!]!,
      offset: Math.floor(row / names.length) * pictureBytes + offsets[within]!,
    };
  });
}

/** Emits `(picture, transformed)` for a row of tiles. */
function emitReader(
  { side, cell, sides }: RowOptions,
  transform: Transform,
  { rows, runs }: { readonly rows: Range; readonly runs: readonly Run<Range>[] },
): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [picture, transformed] = f.parameters;
  const [column, vector] = f.locals("i32", 2);
  // Never set.
  const zero = f.local("v128");
  const locals = createTransformLocals(f, transform, sides);
  const pixelBytes = side.channels * FLOAT;
  const rowBytes = side.width * pixelBytes;
  for (const { kind: columns, count } of runs) {
    f.repeat(column, count, () => {
      f.repeat(vector, side.channels / (sides * LANES), () => {
        emitTransform2d(f, transform, locals, {
          load(i, j, offset) {
            if (i < rows.from || i >= rows.to || j < columns.from || j >= columns.to) f.get(zero);
            else {
              const at = (i - rows.from) * rowBytes + (j - columns.from) * pixelBytes;
              f.get(picture).memory("v128.load", at + offset);
            }
          },
          store: (i, j, values) => emitStore(f, transformed, (i * transform.outputs + j) * cell, values),
        });
        f.increment(picture, sides * VECTOR).increment(transformed, sides * VECTOR);
      });
      // The pointer has moved on by a pixel; it stands at the first one that lies inside the picture.
      f.increment(picture, (TILE - columns.from - 1) * pixelBytes);
    });
  }
  return f;
}

/** Stores neighbouring vectors. */
function emitStore(f: FunctionBuilder, address: Local, offset: number, values: readonly Local[]): void {
  for (const [side, value] of values.entries()) {
    f.get(address)
      .get(value)
      .memory("v128.store", offset + side * VECTOR);
  }
}

/** Writes values of a tile or window to the picture. */
interface Writer {
  store(
    i: number,
    j: number,
    values: readonly Local[],
    how: { readonly add: boolean; readonly finish: boolean; readonly relu: boolean },
  ): void;
}

/** Emits `(transformed, bias, picture)` for a row of tiles. */
function emitWriter<Kind>(
  { side, cell, sides }: RowOptions,
  transform: Transform,
  row: {
    readonly runs: readonly Run<Kind>[];
    readonly store: (
      writer: Writer,
      value: { readonly i: number; readonly j: number; readonly values: readonly Local[]; readonly columns: Kind },
    ) => void;
  },
): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [transformed, bias, picture] = f.parameters;
  const [column, vector, biasAt] = f.locals("i32", 3);
  const biases = f.locals("v128", sides);
  const locals = createTransformLocals(f, transform, sides);
  const pixelBytes = side.channels * FLOAT;
  const rowBytes = side.width * pixelBytes;
  const writer: Writer = {
    store(i, j, values, { add, finish, relu }) {
      const at = i * rowBytes + j * pixelBytes;
      for (const [index, value] of values.entries()) {
        f.get(value);
        if (add)
          f.get(picture)
            .memory("v128.load", at + index * VECTOR)
            .op("f32x4.add");
        if (finish) f.get(biases[index]!).op("f32x4.add");
        // The pseudo-maximum is one machine instruction and keeps NaN, its first operand, too.
        if (finish && relu) f.f32x4(0).op("f32x4.pmax");
        f.set(value);
      }
      emitStore(f, picture, at, values);
    },
  };
  for (const { kind: columns, count } of row.runs) {
    f.repeat(column, count, () => {
      f.get(bias).set(biasAt);
      f.repeat(vector, side.channels / (sides * LANES), () => {
        for (const [index, value] of biases.entries())
          f.get(biasAt)
            .memory("v128.load", index * VECTOR)
            .set(value);
        emitTransform2d(f, transform, locals, {
          load: (i, j, offset) => f.get(transformed).memory("v128.load", (i * POINTS + j) * cell + offset),
          store: (i, j, values) => row.store(writer, { i, j, values, columns }),
        });
        for (const pointer of [transformed, picture, biasAt]) f.increment(pointer, sides * VECTOR);
      });
      f.increment(picture, (TILE - 1) * pixelBytes);
    });
  }
  return f;
}
