import { type Backend, createWasmBackend } from "@cifar/tensor";
import { createReferenceBackend } from "@cifar/tensor/reference";

/** Every backend that runs here: what is checked on one is checked on all. */
export const BACKENDS: readonly { readonly name: "reference" | "wasm"; readonly create: () => Backend }[] = [
  { name: "reference", create: createReferenceBackend },
  { name: "wasm", create: createWasmBackend },
];
