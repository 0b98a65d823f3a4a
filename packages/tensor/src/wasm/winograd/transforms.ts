import type { FunctionBuilder, Local } from "../assembler.js";

/*
 * The one-dimensional transforms of Winograd's minimal filtering F(4, 3) with the points 0, ±1, ±2 and ∞ (Lavin and Gray:
 * "Fast algorithms for convolutional neural networks", CVPR 2016): y = Aᵀ[(G g) ⊙ (Bᵀ d)] are four outputs of a filter of
 * three taps over six inputs. In two dimensions each is applied to the columns, then to the rows. The filter gradient is
 * the same algorithm transposed: Gᵀ[(A dy) ⊙ (Bᵀ d)].
 */

/** Output pixels along the side of a tile. */
export const TILE = 4;
/** Side of a transformed tile: TILE + 3 − 1. */
export const POINTS = 6;

/** A one-dimensional transform of vectors in local variables; `inputs` are left as they are. */
export interface Transform {
  readonly inputs: number;
  readonly outputs: number;
  /** What values are multiplied by, apart from signs. */
  readonly factors: readonly number[];
  readonly emit: (emitter: Emitter, inputs: readonly Local[], outputs: readonly Local[]) => void;
}

/** Where a transform is written, with its factors in local variables: V8 13 builds a constant anew at each use. */
interface Emitter {
  readonly f: FunctionBuilder;
  readonly constants: ReadonlyMap<number, Local>;
}

type Term = readonly [factor: number, value: Local];

/** target ← Σ factor · value, from left to right; a factor of 1 costs no multiplication, nor does −1 but for the first. */
function combine({ f, constants }: Emitter, target: Local, terms: readonly Term[]): void {
  for (const [index, [factor, value]] of terms.entries()) {
    f.get(value);
    const multiplier = index === 0 ? factor : Math.abs(factor);
    if (multiplier !== 1) f.get(constants.get(multiplier)!).op("f32x4.mul");
    if (index > 0) f.op(factor < 0 ? "f32x4.sub" : "f32x4.add");
  }
  f.set(target);
}

/** Bᵀ d: six inputs to six points. */
export const inputTransform: Transform = {
  inputs: POINTS,
  outputs: POINTS,
  factors: [2, 4, 5],
  emit(emitter, d, out) {
    const [d0, d1, d2, d3, d4, d5] = d as [Local, Local, Local, Local, Local, Local];
    const [v0, v1, v2, v3, v4, v5] = out as [Local, Local, Local, Local, Local, Local];
    combine(emitter, v0, [
      [4, d0],
      [-5, d2],
      [1, d4],
    ]);
    // What the points 1 and −1 share, then what 2 and −2 share; v5 serves as a temporary until the end.
    combine(emitter, v1, [
      [1, d4],
      [-4, d2],
    ]);
    combine(emitter, v5, [
      [1, d3],
      [-4, d1],
    ]);
    combine(emitter, v2, [
      [1, v1],
      [-1, v5],
    ]);
    combine(emitter, v1, [
      [1, v1],
      [1, v5],
    ]);
    combine(emitter, v3, [
      [1, d4],
      [-1, d2],
    ]);
    combine(emitter, v5, [
      [2, d3],
      [-2, d1],
    ]);
    combine(emitter, v4, [
      [1, v3],
      [-1, v5],
    ]);
    combine(emitter, v3, [
      [1, v3],
      [1, v5],
    ]);
    combine(emitter, v5, [
      [4, d1],
      [-5, d3],
      [1, d5],
    ]);
  },
};

/** Aᵀ m: six points to four outputs. */
export const outputTransform: Transform = {
  inputs: POINTS,
  outputs: TILE,
  factors: [2, 4, 8],
  emit(emitter, m, out) {
    const [m0, m1, m2, m3, m4, m5] = m as [Local, Local, Local, Local, Local, Local];
    const [y0, y1, y2, y3] = out as [Local, Local, Local, Local];
    combine(emitter, y0, [
      [1, m1],
      [1, m2],
    ]);
    combine(emitter, y1, [
      [1, m1],
      [-1, m2],
    ]);
    combine(emitter, y2, [
      [1, m3],
      [1, m4],
    ]);
    combine(emitter, y3, [
      [1, m3],
      [-1, m4],
    ]);
    finishOutput(emitter, { m0, m5, sums: [y0, y1, y2, y3] });
  },
};

/** The last step of the output transform, from the sums and differences of the points ±1 and ±2. */
function finishOutput(
  { f, constants }: Emitter,
  { m0, m5, sums: [s1, d1, s2, d2] }: { m0: Local; m5: Local; sums: readonly [Local, Local, Local, Local] },
): void {
  const times = (factor: number) => f.get(constants.get(factor)!).op("f32x4.mul");
  // y0 = m0 + s1 + s2 and y2 = s1 + 4 s2 come from the same two, y1 = d1 + 2 d2 and y3 = d1 + 8 d2 + m5 likewise: the
  // stack holds one of each pair until its operands may be overwritten.
  f.get(m0).get(s1).op("f32x4.add").get(s2).op("f32x4.add");
  f.get(s1).get(s2);
  times(4).op("f32x4.add").set(s2).set(s1);
  f.get(d1).get(d2);
  times(2).op("f32x4.add");
  f.get(d1).get(d2);
  times(8).op("f32x4.add").get(m5).op("f32x4.add").set(d2).set(d1);
}

/** A dy: four output gradients to six points. */
export const gradientTransform: Transform = {
  inputs: TILE,
  outputs: POINTS,
  factors: [2, 4, 8],
  emit(emitter, dy, out) {
    const [y0, y1, y2, y3] = dy as [Local, Local, Local, Local];
    const [w0, w1, w2, w3, w4, w5] = out as [Local, Local, Local, Local, Local, Local];
    combine(emitter, w1, [
      [1, y0],
      [1, y2],
    ]);
    combine(emitter, w5, [
      [1, y1],
      [1, y3],
    ]);
    combine(emitter, w2, [
      [1, w1],
      [-1, w5],
    ]);
    combine(emitter, w1, [
      [1, w1],
      [1, w5],
    ]);
    combine(emitter, w3, [
      [1, y0],
      [4, y2],
    ]);
    combine(emitter, w5, [
      [2, y1],
      [8, y3],
    ]);
    combine(emitter, w4, [
      [1, w3],
      [-1, w5],
    ]);
    combine(emitter, w3, [
      [1, w3],
      [1, w5],
    ]);
    combine(emitter, w0, [[1, y0]]);
    combine(emitter, w5, [[1, y3]]);
  },
};

/** G g: three taps to six points. */
export const filterTransform: Transform = {
  inputs: 3,
  outputs: POINTS,
  factors: [1 / 4, 1 / 6, -1 / 6, 1 / 12, 1 / 24],
  emit(emitter, g, out) {
    const [g0, g1, g2] = g as [Local, Local, Local];
    const [u0, u1, u2, u3, u4, u5] = out as [Local, Local, Local, Local, Local, Local];
    combine(emitter, u0, [[1 / 4, g0]]);
    combine(emitter, u1, [
      [-1 / 6, g0],
      [-1 / 6, g2],
    ]);
    combine(emitter, u5, [[1 / 6, g1]]);
    combine(emitter, u2, [
      [1, u1],
      [1, u5],
    ]);
    combine(emitter, u1, [
      [1, u1],
      [-1, u5],
    ]);
    combine(emitter, u3, [
      [1 / 24, g0],
      [1 / 6, g2],
    ]);
    combine(emitter, u5, [[1 / 12, g1]]);
    combine(emitter, u4, [
      [1, u3],
      [-1, u5],
    ]);
    combine(emitter, u3, [
      [1, u3],
      [1, u5],
    ]);
    combine(emitter, u5, [[1, g2]]);
  },
};

/** Gᵀ u: six points to the gradients of three taps. */
export const filterGradientTransform: Transform = {
  inputs: POINTS,
  outputs: 3,
  factors: [1 / 4, 1 / 6, -1 / 6, 1 / 12, 1 / 24],
  emit(emitter, u, out) {
    const [u0, u1, u2, u3, u4, u5] = u as [Local, Local, Local, Local, Local, Local];
    const [g0, g1, g2] = out as [Local, Local, Local];
    combine(emitter, g0, [
      [1 / 4, u0],
      [-1 / 6, u1],
      [-1 / 6, u2],
      [1 / 24, u3],
      [1 / 24, u4],
    ]);
    combine(emitter, g1, [
      [-1 / 6, u1],
      [1 / 6, u2],
      [1 / 12, u3],
      [-1 / 12, u4],
    ]);
    combine(emitter, g2, [
      [-1 / 6, u1],
      [-1 / 6, u2],
      [1 / 6, u3],
      [1 / 6, u4],
      [1, u5],
    ]);
  },
};

/** Local variables of a two-dimensional transform. */
export interface TransformLocals {
  readonly constants: ReadonlyMap<number, Local>;
  readonly column: readonly Local[];
  /** [outputs][inputs] */
  readonly half: readonly (readonly Local[])[];
  readonly row: readonly Local[];
}

/** Makes the local variables for a transform and sets its constants: to be called before any loop. */
export function createTransformLocals(f: FunctionBuilder, { inputs, outputs, factors }: Transform): TransformLocals {
  const constants = new Map(factors.map((factor) => [factor, f.local("v128")]));
  for (const [factor, constant] of constants) f.f32x4(factor).set(constant);
  return {
    constants,
    column: f.locals("v128", inputs),
    half: Array.from({ length: outputs }, () => f.locals("v128", inputs)),
    row: f.locals("v128", outputs),
  };
}

/**
 * Emits a two-dimensional transform of one vector of channels: `load(i, j)` leaves input [i, j] on the stack, `store(i, j,
 * value)` takes output [i, j].
 */
export function emitTransform2d(
  f: FunctionBuilder,
  transform: Transform,
  locals: TransformLocals,
  access: {
    readonly load: (i: number, j: number) => void;
    readonly store: (i: number, j: number, value: Local) => void;
  },
): void {
  const emitter: Emitter = { f, constants: locals.constants };
  for (let j = 0; j < transform.inputs; j++) {
    locals.column.forEach((value, i) => {
      access.load(i, j);
      f.set(value);
    });
    transform.emit(
      emitter,
      locals.column,
      locals.half.map((row) => row[j]!),
    );
  }
  locals.half.forEach((row, i) => {
    transform.emit(emitter, row, locals.row);
    for (const [j, value] of locals.row.entries()) access.store(i, j, value);
  });
}
