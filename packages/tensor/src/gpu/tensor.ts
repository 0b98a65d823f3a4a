import { TensorError } from "../errors.js";
import { type Shape, sizeOf } from "../shape.js";
import type { DataTypes, DType, Tensor } from "../tensor.js";
import type { GpuContext, Handle, Kernel } from "./context.js";

/** A tensor whose float32 or int32 values are on the GPU; the words of a mask (uint32) stay in the CPU's memory. */
export class GpuTensor<D extends DType = DType> implements Tensor<D> {
  readonly shape: Shape;
  readonly dtype: D;
  readonly size: number;
  readonly #context: GpuContext;
  readonly #words: Uint32Array | undefined;
  #handle: Handle | undefined;
  #upload: Kernel | undefined;

  constructor(context: GpuContext, shape: Shape, dtype: D) {
    this.shape = [...shape];
    this.dtype = dtype;
    this.size = sizeOf(shape);
    this.#context = context;
    this.#words = dtype === "uint32" ? new Uint32Array(this.size) : undefined;
    context.track(this);
  }

  get data(): DataTypes[D] {
    if (this.#words !== undefined) return this.#words as DataTypes[D];
    throw new TensorError("INVALID_ARGUMENT", "tensor: the values are on the GPU; use read of the backend gpu");
  }

  /** The values where kernels find them; zeros as long as nothing was written. */
  async handle(): Promise<Handle> {
    if (this.#handle === undefined) await this.write(new Float32Array(this.size));
    return this.#handle!;
  }

  /** True where a handle is at hand: for masks, whether the factors made from the words are current. */
  get resident(): boolean {
    return this.#handle !== undefined;
  }

  async write(values: Float32Array): Promise<void> {
    const size = values.length;
    this.#upload ??= this.#context.kernel({
      source: "function (values) { return values[this.thread.x]; }",
      size,
    });
    this.replace(await this.#upload(values));
  }

  /** Changes a mask's words: what was derived from them is given up. */
  writeWords(words: Uint32Array): void {
    this.#words!.set(words);
    this.release();
  }

  replace(handle: Handle): void {
    this.release();
    this.#handle = handle;
  }

  async read(): Promise<Float32Array> {
    const handle = await this.handle();
    return Float32Array.from(handle instanceof Float32Array ? handle : await handle.toArray());
  }

  release(): void {
    if (this.#handle !== undefined && "delete" in this.#handle) this.#handle.delete();
    this.#handle = undefined;
  }
}

/** A tensor of this backend, as its operations take them. */
export function onGpu(tensor: Tensor<DType>): GpuTensor {
  if (tensor instanceof GpuTensor) return tensor;
  throw new TensorError("INVALID_ARGUMENT", "backend gpu: a tensor of another backend was given");
}
