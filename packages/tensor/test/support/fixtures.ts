import { readFileSync } from "node:fs";

/** A tensor that PyTorch computed. */
export interface Fixture {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Reads what PyTorch 1.13 computed for an operation: `0.input`, `0.output` and so on. */
function readFixtures(operation: string): ReadonlyMap<string, Fixture> {
  const bytes = readFileSync(new URL(`../fixtures/${operation}.safetensors`, import.meta.url));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const body = bytes.subarray(8 + length);
  const tensors = new Map<string, Fixture>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const raw = Uint8Array.from(body.subarray(...entry.data_offsets)).buffer;
    const data = entry.dtype === "F32" ? new Float32Array(raw) : new Int32Array(raw);
    tensors.set(name, { shape: entry.shape, data });
  }
  return tensors;
}

/** The tensors of one case, with numbers cut off: `input`, `output` and so on. */
export function fixtureCases(operation: string): readonly ReadonlyMap<string, Fixture>[] {
  const cases: Map<string, Fixture>[] = [];
  for (const [name, tensor] of readFixtures(operation)) {
    const [index, ...rest] = name.split(".");
    cases[Number(index)] ??= new Map();
    cases[Number(index)]!.set(rest.join("."), tensor);
  }
  return cases;
}

/** Reorders dimensions, as numpy.transpose: dimension d of the result is dimension axes[d] of the source. */
function transpose({ shape, data }: Fixture, axes: readonly number[]): { shape: number[]; data: Float32Array } {
  const target = axes.map((axis) => shape[axis]!);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const result = new Float32Array(data.length);
  for (let i = 0; i < result.length; i++) {
    let rest = i;
    let from = 0;
    for (let d = target.length - 1; d >= 0; d--) {
      from += (rest % target[d]!) * strides[axes[d]!]!;
      rest = Math.floor(rest / target[d]!);
    }
    result[i] = data[from]!;
  }
  return { shape: target, data: result };
}

/** NCHW to NHWC. */
export const toNhwc = (tensor: Fixture) => transpose(tensor, [0, 2, 3, 1]);
/** OIHW to HWIO. */
export const toHwio = (tensor: Fixture) => transpose(tensor, [2, 3, 1, 0]);
/** [out, in] to [in, out]. */
export const toInOut = (tensor: Fixture) => transpose(tensor, [1, 0]);
