import type { Backend } from "../backend.js";
import { softmaxCrossEntropy } from "../reference/softmax-cross-entropy.js";
import { dropout } from "./dropout.js";
import { openWasm, type WasmBackendOptions, type WasmInferenceBackend } from "./inference.js";
import { muon } from "./muon.js";
import { sgd } from "./sgd.js";
import { sum } from "./sum.js";

/** The backend that emits WebAssembly SIMD for each shape. */
export interface WasmBackend extends Backend, WasmInferenceBackend {
  readonly name: "wasm";
}

/**
 * Makes a backend with a memory of its own, or on a region of an existing one.
 * @throws TensorError BACKEND_UNAVAILABLE where the engine has no WebAssembly SIMD, OUT_OF_MEMORY
 */
export function createWasmBackend(options: WasmBackendOptions = {}): WasmBackend {
  const { backend, context } = openWasm(options);
  // Assigned, not spread: sizes are asked for when they are read.
  return Object.assign(backend, {
    dropout: (spec) => dropout(context, spec),
    softmaxCrossEntropy,
    sum: (spec) => sum(context, spec),
    sgd: (spec) => sgd(context, spec),
    muon: (spec) => muon(context, spec),
  } satisfies Omit<Backend, keyof WasmInferenceBackend>);
}
