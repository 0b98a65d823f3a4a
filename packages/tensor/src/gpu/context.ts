import { TensorError } from "../errors.js";
import type { GpuTensor } from "./tensor.js";

/** Where gpu.js runs kernels. */
export type GpuMode = "webgpu" | "webgl2" | "webgl" | "headlessgl" | "webasm" | "cpu";

/** A result that stays where it was computed: gpu.js's Texture, or an array in its software modes. */
export type Handle = Float32Array | { toArray(): ArrayLike<number> | Promise<ArrayLike<number>>; delete(): void };

/** A kernel of gpu.js under its contract of promises. */
export type Kernel = (...values: (Handle | number)[]) => Handle | Promise<Handle>;

/** The part of gpu.js used here; declared so that these types do not need the package. */
export interface GpuLibrary {
  createKernel(source: string, settings: object): Kernel;
  destroy(): Promise<void> | void;
}

/** A kernel's source and the number of values that it computes, one for each `this.thread.x`. */
export interface KernelSpec {
  readonly source: string;
  readonly size: number;
}

/** Makes kernels, runs them, and keeps their results in tensors. */
export class GpuContext {
  readonly #gpu: GpuLibrary;
  readonly #tensors = new Set<GpuTensor>();
  #closed = false;

  constructor(gpu: GpuLibrary) {
    this.#gpu = gpu;
  }

  /**
   * A kernel from source text. Text rather than a function: gpu.js translates the source, and what a minifier makes of a
   * function (comma operators, folded branches) is not what it understands. Sizes stand in the text as constants.
   */
  kernel({ source, size }: KernelSpec): Kernel {
    return this.#gpu.createKernel(source, {
      output: [size],
      // Results stay on the GPU, each call's in a texture of its own, so that a kernel may replace its own input.
      pipeline: true,
      immutable: true,
      precision: "single",
      tactic: "precision",
      asyncMode: true,
      loopMaxIterations: 1 << 24,
    });
  }

  /** Computes a tensor's new values; `target` may be among `values`. */
  async run(kernel: Kernel, target: GpuTensor, ...values: (GpuTensor | number)[]): Promise<void> {
    const given: (Handle | number)[] = [];
    for (const value of values) given.push(typeof value === "number" ? value : await value.handle());
    target.replace(await kernel(...given));
  }

  track(tensor: GpuTensor): void {
    if (this.#closed) throw new TensorError("CLOSED", "tensor: the backend gpu was closed");
    this.#tensors.add(tensor);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const tensor of this.#tensors) tensor.release();
    this.#tensors.clear();
    // What fails while the driver lets go concerns nobody any more.
    void Promise.resolve(this.#gpu.destroy()).catch(() => {});
  }
}
