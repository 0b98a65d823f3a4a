import type { Backend, InferenceBackend } from "../backend.js";
import { softmaxCrossEntropy } from "../reference/softmax-cross-entropy.js";
import { conv2d } from "./conv2d.js";
import { dropout } from "./dropout.js";
import { inferenceOn, openMemory, type WasmBackendOptions, type WasmInferenceBackend } from "./inference.js";
import { linear } from "./linear.js";
import { maxPool2d } from "./max-pool2d.js";
import type { WasmMemory } from "./memory.js";
import { muon } from "./muon.js";
import { relu } from "./relu.js";
import { sgd } from "./sgd.js";
import { sum } from "./sum.js";

/** The backend that emits WebAssembly SIMD for each shape. */
export interface WasmBackend extends Backend, Omit<WasmInferenceBackend, keyof InferenceBackend> {
  readonly name: "wasm";
}

/**
 * Makes a backend with a memory of its own, or on a region of an existing one.
 * @throws TensorError BACKEND_UNAVAILABLE where the engine has no WebAssembly SIMD or may not compile it, OUT_OF_MEMORY
 */
export function createWasmBackend(options: WasmBackendOptions = {}): WasmBackend {
  return backendOn(openMemory(options), options.vectors);
}

/** The same on a memory that the caller made. */
export function backendOn(memory: WasmMemory, vectors?: 2 | 4): WasmBackend {
  const { backend, context } = inferenceOn(memory, vectors);
  // Assigned, not spread: sizes are asked for when they are read.
  return Object.assign(backend, {
    conv2d: (spec) => conv2d(context, spec),
    maxPool2d: (spec) => maxPool2d(context, spec),
    relu: (spec) => relu(context, spec),
    linear: (spec) => linear(context, spec),
    dropout: (spec) => dropout(context, spec),
    softmaxCrossEntropy,
    sum: (spec) => sum(context, spec),
    sgd: (spec) => sgd(context, spec),
    muon: (spec) => muon(context, spec),
  } satisfies Partial<Backend>);
}
