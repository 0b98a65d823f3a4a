import { type BackendName, wasmSupported } from "@cifar/tensor";
import { enableRevectorization } from "@cifar/tensor/node";
import type { ComputeFlags } from "./options.js";

/** A backend as `cifar info` shows it. */
export interface BackendInfo {
  readonly name: BackendName;
  readonly available: boolean;
  readonly description: string;
}

/** What can compute here, the one that serves by default first; none of them is started. */
export function backends(): BackendInfo[] {
  const available = wasmSupported();
  return [
    { name: "wasm", available, description: available ? "WebAssembly SIMD" : "this machine has no WebAssembly SIMD" },
    { name: "reference", available: true, description: "plain TypeScript" },
  ];
}

/** The backend that serves unless another one is asked for. */
export function defaultBackend(): BackendName {
  return wasmSupported() ? "wasm" : "reference";
}

/** Sets up the process for speed before anything computes: a program may change V8's flags, a library may not. */
export function prepareToCompute(flags: ComputeFlags): void {
  if ((flags.backend ?? defaultBackend()) === "wasm") enableRevectorization();
}
