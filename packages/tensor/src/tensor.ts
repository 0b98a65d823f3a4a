import { TensorError } from "./errors.js";
import { checkShape, formatShape, type Shape, sizeOf } from "./shape.js";

/** The typed array that holds values of each type. */
export interface DataTypes {
  readonly float32: Float32Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
}

/** Type of a tensor's values. */
export type DType = keyof DataTypes;

/**
 * A row-major array of numbers in the memory of the backend that made it; pictures are NHWC, filters HWIO,
 * linear weights [in, out].
 */
export interface Tensor<D extends DType = "float32"> {
  readonly shape: Shape;
  readonly dtype: D;
  /** Number of values. */
  readonly size: number;
  /**
   * The values themselves, not a copy. Ask anew instead of keeping it: it moves when the backend's memory grows.
   * @throws TensorError INVALID_ARGUMENT where the values are not in the CPU's memory (backend `gpu`): use `Backend.read`
   */
  readonly data: DataTypes[D];
}

const CONSTRUCTORS = { float32: Float32Array, int32: Int32Array, uint32: Uint32Array } as const;

/** A new typed array of `size` zeros. */
function zeros<D extends DType>(dtype: D, size: number): DataTypes[D] {
  return new CONSTRUCTORS[dtype](size) as DataTypes[D];
}

/**
 * A tensor in JavaScript's own memory, around `data` (not copied) or filled with zeros.
 * @throws TensorError SHAPE_MISMATCH if `data` has another number of values than the shape
 */
export function tensor(shape: Shape, data?: Float32Array): Tensor {
  return hostTensor(shape, "float32", data);
}

/** The same as {@link tensor} for any type of values. */
export function hostTensor<D extends DType>(shape: Shape, dtype: D, data?: DataTypes[D]): Tensor<D> {
  checkShape("tensor", shape);
  const size = sizeOf(shape);
  if (data !== undefined && data.length !== size) {
    throw new TensorError(
      "SHAPE_MISMATCH",
      `tensor: shape ${formatShape(shape)} holds ${size} values, but ${data.length} were given`,
    );
  }
  return { shape: [...shape], dtype, size, data: data ?? zeros(dtype, size) };
}
