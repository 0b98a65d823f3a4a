import type { InferenceBackend } from "../backend.js";
import { TensorError } from "../errors.js";
import { softmax } from "../reference/softmax.js";
import type { Shape } from "../shape.js";
import type { DType } from "../tensor.js";
import { createContext, type KernelContext } from "./context.js";
import { conv2dForward } from "./conv2d.js";
import { linearForward } from "./linear.js";
import { maxPool2dForward } from "./max-pool2d.js";
import { type Region, WasmMemory, type WasmMemoryOptions, type WasmTensor, type WebAssemblyMemory } from "./memory.js";
import { reluForward } from "./relu.js";
import { whyNoWasm } from "./support.js";
import { productWidth } from "./width.js";

/** Options of {@link createWasmInference} and `createWasmBackend`; see {@link WasmMemoryOptions}. */
export interface WasmBackendOptions extends WasmMemoryOptions {
  /** 4 vectors side by side where V8 joins them to 256 bit, else 2; default: what this process has found best. */
  readonly vectors?: 2 | 4;
}

/** A backend that emits WebAssembly SIMD for each shape. */
export interface WasmInferenceBackend extends InferenceBackend {
  readonly name: "wasm";
  /** Vectors that products take side by side: see {@link WasmBackendOptions}. */
  readonly vectors: 2 | 4;
  /** What other threads attach to, if it was made `shared`. */
  readonly memory: WebAssemblyMemory;
  /** Bytes taken so far: what another thread that makes the same operations needs as its region. */
  readonly bytesUsed: number;
  /** Bytes of those that kernels share to keep values in while they run; each thread has its own. */
  readonly scratchBytes: number;
  /** Sets aside a part of the memory, for another thread to allocate in. */
  reserve(bytes: number): Region;
  /** A tensor that lies at this address already, made by another thread. */
  tensorAt<D extends DType>(address: number, shape: Shape, dtype: D): WasmTensor<D>;
}

/**
 * Makes the part of backend `wasm` that classifying needs: a page that does not train is spared the code of the rest.
 * @throws TensorError BACKEND_UNAVAILABLE where the engine has no WebAssembly SIMD or may not compile it, OUT_OF_MEMORY
 */
export function createWasmInference(options: WasmBackendOptions = {}): WasmInferenceBackend {
  return inferenceOn(openMemory(options), options.vectors).backend;
}

/** @throws TensorError BACKEND_UNAVAILABLE, OUT_OF_MEMORY */
export function openMemory(options: WasmMemoryOptions): WasmMemory {
  const reason = whyNoWasm();
  if (reason === undefined) return new WasmMemory(options);
  throw new TensorError("BACKEND_UNAVAILABLE", `backend wasm: ${reason}`);
}

/** The part that classifying needs on a memory, with what further operations are made with. */
export function inferenceOn(
  memory: WasmMemory,
  vectors: 2 | 4 = productWidth(memory.shared),
): { readonly backend: WasmInferenceBackend; readonly context: KernelContext } {
  const context = createContext(memory, vectors);
  const backend: WasmInferenceBackend = {
    name: "wasm",
    description: `wasm (SIMD, ${vectors === 4 ? "re-vectorised to 256 bit" : "128 bit"})`,
    shardSize: 8,
    vectors,
    memory: memory.memory,
    get bytesUsed() {
      return memory.used;
    },
    get scratchBytes() {
      return memory.scratchBytes;
    },
    reserve: (bytes) => memory.reserve(bytes),
    tensorAt: (address, shape, dtype) => memory.tensorAt(address, shape, dtype),
    tensor: (shape, dtype?: DType) => memory.tensor(shape, dtype ?? "float32") as never,
    write: (target: { data: { set(values: ArrayLike<number>): void } }, values: ArrayLike<number>) => {
      target.data.set(values);
    },
    read: async (source) => source.data.slice(),
    conv2d: (spec) => conv2dForward(context, spec),
    maxPool2d: (spec) => maxPool2dForward(context, spec),
    relu: (spec) => reluForward(context, spec),
    linear: (spec) => linearForward(context, spec),
    // A handful of classes a picture: 1 µs each of the 2 ms that a picture takes. What needs no speed is not written twice.
    softmax,
    close() {
      // A WebAssembly memory cannot be given back by hand: it goes with the last tensor and operation that refer to it.
    },
  };
  return { backend, context };
}
