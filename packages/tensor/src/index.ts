export type * from "./backend.js";
export { TensorError, type TensorErrorCode } from "./errors.js";
export { exp, log } from "./math.js";
export {
  fillNormal,
  fillUniform,
  permutation,
  philox4x32,
  RandomStream,
  type RandomStreamKey,
  STREAMS,
  seedKey,
} from "./random.js";
export { formatShape, MAX_VALUES, type Shape, sameShape, sizeOf } from "./shape.js";
export { type DataTypes, type DType, hostTensor, type Tensor, tensor } from "./tensor.js";
export { createWasmBackend, type WasmBackend } from "./wasm/backend.js";
export { createWasmInference, type WasmBackendOptions, type WasmInferenceBackend } from "./wasm/inference.js";
export type { Region, WasmMemoryOptions, WasmTensor, WebAssemblyMemory } from "./wasm/memory.js";
export { wasmSupported } from "./wasm/support.js";
