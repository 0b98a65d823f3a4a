import {
  type Backend,
  type BackendName,
  createReferenceBackend,
  createWasmBackend,
  wasmSupported,
} from "@cifar/tensor";
import { availableThreads } from "#platform";
import { CnnError } from "./errors.js";
import type { ComputeOptions } from "./fit-options.js";

/** A backend ready for use. */
export interface Compute {
  readonly backend: Backend;
  /** True if it was made here and is to be closed here. */
  readonly owned: boolean;
  readonly threads: number;
}

/**
 * Chooses and makes the backend: what was asked for, else the fastest that runs here. Anything slower than asked for is
 * said through `onNotice`.
 * @throws CnnError BACKEND_UNAVAILABLE if a backend asked for by name cannot run here; INVALID_ARGUMENT
 */
export async function openCompute(options: ComputeOptions): Promise<Compute> {
  const { backend, threads = availableThreads(), onNotice } = options;
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > 256) {
    throw new CnnError("INVALID_ARGUMENT", `threads must be a whole number from 1 to 256, not ${threads}`);
  }
  const owned = backend === undefined || typeof backend === "string";
  const made = owned ? await createBackend(backend, onNotice) : backend;
  if (threads > 1 && options.threads !== undefined) {
    onNotice?.(`backend ${made.name} computes on one thread, not on ${threads}`);
  }
  return { backend: made, owned, threads: 1 };
}

async function createBackend(name: BackendName | undefined, onNotice: ComputeOptions["onNotice"]): Promise<Backend> {
  switch (name) {
    case "gpu":
      throw new CnnError("BACKEND_UNAVAILABLE", "backend gpu: this version of @cifar/tensor does not offer it");
    case "wasm":
      return createWasm();
    case "reference":
      return createReferenceBackend();
    case undefined:
      if (wasmSupported()) return createWasm();
      onNotice?.("backend reference (plain TypeScript, slow) is used: wasm does not run here");
      return createReferenceBackend();
  }
}

function createWasm(): Backend {
  if (wasmSupported()) return createWasmBackend();
  throw new CnnError("BACKEND_UNAVAILABLE", "backend wasm: this JavaScript engine has no WebAssembly SIMD");
}
