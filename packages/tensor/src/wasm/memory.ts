import { TensorError } from "../errors.js";
import { checkShape, type Shape, sizeOf } from "../shape.js";
import type { DataTypes, DType, Tensor } from "../tensor.js";

const PAGE = 65_536;
/** Of a cache line, so that two threads never write to the same one. */
const ALIGNMENT = 64;
/** Kernels may read, and within a tensor's last vector write, a little past its end. */
const SLACK = 64;

/** Upper limit of a memory in pages of 64 KiB: 1 GiB. A shared memory must name one; that much address space it reserves. */
const MAXIMUM_PAGES = 16_384;

/** Where there is no room for that: 256 MiB. */
const FEWER_PAGES = 4096;

/** `WebAssembly.Memory`, which programs of Node that are compiled without the DOM's types do not have. */
export interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** A part of a memory, in bytes from its start. */
export interface Region {
  readonly start: number;
  readonly end: number;
}

/** Where to make or attach to a memory. */
export interface WasmMemoryOptions {
  /** Attaches to this memory instead of making one. Needs `region`. */
  readonly memory?: WebAssemblyMemory;
  /** Allocates only in this part of the memory, which somebody else has reserved. */
  readonly region?: Region;
  /** A new memory can be used from several threads; default false. */
  readonly shared?: boolean;
}

/** A tensor in a WebAssembly memory. */
export interface WasmTensor<D extends DType = "float32"> extends Tensor<D> {
  /** Byte offset of its first value. */
  readonly address: number;
}

/** A WebAssembly memory in which tensors are laid one after another; all of it is given back at once. */
export class WasmMemory {
  readonly memory: WebAssemblyMemory;
  readonly shared: boolean;
  /** What modules say of the memory that they import: this one has as many at most. */
  readonly maximumPages = MAXIMUM_PAGES;
  readonly #limit: number;
  #next: number;
  #scratchWanted = 0;
  #scratchSize = 0;
  #scratchAddress = 0;

  /** @throws TensorError OUT_OF_MEMORY */
  constructor(options: WasmMemoryOptions = {}) {
    const { memory, region, shared = false } = options;
    const made = memory === undefined ? createMemory(shared) : { memory, pages: MAXIMUM_PAGES };
    this.memory = made.memory;
    this.shared = memory === undefined ? shared : !(memory.buffer instanceof ArrayBuffer);
    // Address 0 stays empty, so that a forgotten address shows.
    this.#next = region?.start ?? ALIGNMENT;
    this.#limit = region?.end ?? made.pages * PAGE;
  }

  /** Bytes taken so far, with the scratch space that kernels have asked for: one that was too small is left behind. */
  get used(): number {
    const missing = this.#scratchSize < this.#scratchWanted ? this.#scratchWanted : 0;
    return this.#next + missing + SLACK;
  }

  /**
   * Takes `bytes` and returns their address, a multiple of 64.
   * @throws TensorError OUT_OF_MEMORY
   */
  allocate(bytes: number): number {
    const address = this.#next;
    const end = this.#endOf(bytes);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.#grow(Math.ceil(missing / PAGE));
    this.#next = end;
    return address;
  }

  /** Sets aside a part for somebody else, such as another thread, to allocate in. */
  reserve(bytes: number): Region {
    const start = this.allocate(bytes);
    return { start, end: start + align(bytes) };
  }

  /** A tensor of zeros. */
  tensor<D extends DType>(shape: Shape, dtype: D): WasmTensor<D> {
    checkShape("tensor", shape);
    return this.tensorAt(this.allocate(sizeOf(shape) * 4), shape, dtype);
  }

  /** A tensor around what lies at this address. */
  tensorAt<D extends DType>(address: number, shape: Shape, dtype: D): WasmTensor<D> {
    return new MemoryTensor(this.memory, { shape: [...shape], dtype, size: sizeOf(shape), address });
  }

  /**
   * Asks for space in which a kernel may keep values while it runs. All kernels of a backend share it, as they run one
   * after another; {@link scratch} says where it is.
   * @throws TensorError OUT_OF_MEMORY if there never will be so much
   */
  wantScratch(bytes: number): void {
    if (bytes <= this.#scratchWanted) return;
    this.#endOf(bytes);
    this.#scratchWanted = bytes;
  }

  /** Most that a kernel has asked for. */
  get scratchBytes(): number {
    return this.#scratchWanted;
  }

  /** Address of the scratch space, to be asked for at each call: it moves when a kernel wanted more. */
  get scratch(): number {
    if (this.#scratchSize < this.#scratchWanted) {
      this.#scratchAddress = this.allocate(this.#scratchWanted);
      this.#scratchSize = this.#scratchWanted;
    }
    return this.#scratchAddress;
  }

  /** Where so many bytes more would end. */
  #endOf(bytes: number): number {
    const end = align(this.#next + bytes + SLACK);
    if (end <= this.#limit) return end;
    throw new TensorError(
      "OUT_OF_MEMORY",
      `the WebAssembly memory is full: ${bytes} bytes more do not fit into its ${this.#limit} bytes (a smaller batch needs less)`,
    );
  }

  #grow(pages: number): void {
    // Growing little by little would move the memory, or a view of it, again and again.
    const current = this.memory.buffer.byteLength / PAGE;
    const generous = Math.min(Math.max(pages, current >> 2), Math.ceil(this.#limit / PAGE) - current);
    try {
      this.memory.grow(generous);
    } catch (cause) {
      throw new TensorError("OUT_OF_MEMORY", `the system has no memory for ${generous * PAGE} bytes more`, { cause });
    }
  }
}

/** A new memory, and how many pages it may come to have. */
function createMemory(shared: boolean): { readonly memory: WebAssemblyMemory; readonly pages: number } {
  for (let pages = MAXIMUM_PAGES; ; pages = FEWER_PAGES) {
    try {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared });
      // V8 makes a memory that cannot grow rather than none.
      memory.grow(1);
      return { memory, pages };
    } catch (cause) {
      if (pages > FEWER_PAGES) continue;
      // V8 spares itself checks of addresses by reserving more than a memory may ever have.
      throw new TensorError(
        "OUT_OF_MEMORY",
        "the system has no room for a WebAssembly memory: it reserves 1 GiB of address space, in Node 10 GiB unless " +
          "started with --disable-wasm-trap-handler (ulimit -v limits it)",
        { cause },
      );
    }
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

const VIEWS = { float32: Float32Array, int32: Int32Array, uint32: Uint32Array } as const;

class MemoryTensor<D extends DType> implements WasmTensor<D> {
  readonly shape: Shape;
  readonly dtype: D;
  readonly size: number;
  readonly address: number;
  readonly #memory: WebAssemblyMemory;
  #view: DataTypes[D] | undefined;

  constructor(memory: WebAssemblyMemory, fields: Pick<WasmTensor<D>, "shape" | "dtype" | "size" | "address">) {
    this.#memory = memory;
    this.shape = fields.shape;
    this.dtype = fields.dtype;
    this.size = fields.size;
    this.address = fields.address;
  }

  get data(): DataTypes[D] {
    // A memory that has grown has a new buffer; views of the old one are empty, or do not see what follows.
    if (this.#view?.buffer !== this.#memory.buffer) {
      this.#view = new VIEWS[this.dtype](this.#memory.buffer, this.address, this.size) as DataTypes[D];
    }
    return this.#view as DataTypes[D];
  }
}
