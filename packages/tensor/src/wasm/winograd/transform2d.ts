import type { FunctionBuilder, Local } from "../assembler.js";
import { VECTOR } from "../vectors.js";
import type { Group, Term, Transform } from "./transforms.js";

/** Neighbouring vectors of channels that are treated alike: where V8 joins two to 256 bit, it finds them here. */
export type Vectors = readonly Local[];

/** Local variables of a two-dimensional transform. */
export interface TransformLocals {
  /** What values are multiplied by, apart from signs: V8 13 builds a constant anew at each use. */
  readonly constants: ReadonlyMap<number, Local>;
  readonly column: readonly Vectors[];
  /** A group's outputs of all columns: [outputs][inputs]. */
  readonly half: readonly (readonly Vectors[])[];
  readonly row: readonly Vectors[];
  readonly p: Vectors;
  readonly q: Vectors;
}

/**
 * Makes the local variables for a transform of `sides` vectors side by side and sets its constants: to be called before any
 * loop.
 */
export function createTransformLocals(
  f: FunctionBuilder,
  { inputs, groups }: Transform,
  sides: number,
): TransformLocals {
  const multipliers = groups.flatMap(({ p = [], q = [], outputs }) =>
    [p, q, ...outputs.map(({ terms }) => terms)].flatMap((terms) => terms.map(multiplier)),
  );
  const constants = new Map(
    [...new Set(multipliers)].filter((factor) => factor !== 1).map((factor) => [factor, f.local("v128")]),
  );
  for (const [factor, constant] of constants) f.f32x4(factor).set(constant);
  const values = (count: number) => Array.from({ length: count }, () => f.locals("v128", sides));
  const most = Math.max(...groups.map(({ outputs }) => outputs.length));
  return {
    constants,
    column: values(inputs),
    half: Array.from({ length: most }, () => values(inputs)),
    row: values(most),
    p: f.locals("v128", sides),
    q: f.locals("v128", sides),
  };
}

/** What a term is multiplied by: later ones are added or subtracted. */
function multiplier([factor]: Term, index: number): number {
  return index === 0 ? factor : Math.abs(factor);
}

/**
 * Emits a two-dimensional transform: `load(i, j, offset)` leaves on the stack what is `offset` bytes into the channels of
 * input [i, j], `store(i, j, values)` takes all of output [i, j].
 *
 * Each group of output rows is finished before the next is begun, and reads the inputs again: sixteen registers hold a row
 * of two outputs, but not all 36 values between the passes over columns and rows, and loads cost less than what is spilled.
 */
export function emitTransform2d(
  f: FunctionBuilder,
  transform: Transform,
  locals: TransformLocals,
  access: {
    readonly load: (i: number, j: number, offset: number) => void;
    readonly store: (i: number, j: number, values: Vectors) => void;
  },
): void {
  for (const rows of transform.groups) {
    for (let j = 0; j < transform.inputs; j++) {
      for (const i of inputsOf(rows)) {
        for (const [side, value] of locals.column[i]!.entries()) {
          access.load(i, j, side * VECTOR);
          f.set(value);
        }
      }
      emitGroup(f, rows, locals, { inputs: locals.column, outputs: locals.half.map((row) => row[j]!) });
    }
    for (const [half, { index: i }] of rows.outputs.entries()) {
      for (const columns of transform.groups) {
        emitGroup(f, columns, locals, { inputs: locals.half[half]!, outputs: locals.row });
        for (const [position, { index: j }] of columns.outputs.entries()) access.store(i, j, locals.row[position]!);
      }
    }
  }
}

/** The inputs that a group reads. */
function inputsOf({ p = [], q = [], outputs }: Group): readonly number[] {
  const values = [...p, ...q, ...outputs.flatMap(({ terms }) => terms)].map(([, value]) => value);
  return [...new Set(values.filter((value) => typeof value === "number"))].sort((a, b) => a - b);
}

/** Emits one group of a one-dimensional transform. */
function emitGroup(
  f: FunctionBuilder,
  group: Group,
  locals: TransformLocals,
  { inputs, outputs }: { readonly inputs: readonly Vectors[]; readonly outputs: readonly Vectors[] },
): void {
  const combine = (target: Vectors, terms: readonly Term[]) => {
    target.forEach((local, side) => {
      terms.forEach((term, index) => {
        const [factor, value] = term;
        f.get((typeof value === "number" ? inputs[value]! : locals[value])[side]!);
        const times = multiplier(term, index);
        if (times !== 1) f.get(locals.constants.get(times)!).op("f32x4.mul");
        if (index > 0) f.op(factor < 0 ? "f32x4.sub" : "f32x4.add");
      });
      f.set(local);
    });
  };
  if (group.p !== undefined) combine(locals.p, group.p);
  if (group.q !== undefined) combine(locals.q, group.q);
  for (const [position, { terms }] of group.outputs.entries()) combine(outputs[position]!, terms);
}
