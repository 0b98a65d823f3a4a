import {
  type Backend,
  type BackendName,
  createReferenceBackend,
  createWasmBackend,
  type WasmBackend,
  wasmSupported,
} from "@cifar/tensor";
import { availableThreads, whyNoThreads } from "#platform";
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
  if (backend !== undefined && typeof backend !== "string") return withThreads(backend, false, options);
  const shared = threads > 1 && whyNoThreads() === undefined;
  return withThreads(await createBackend(backend, shared, onNotice), true, options);
}

/** As many threads as the backend lets work on its memory; fewer than asked for are announced. */
function withThreads(backend: Backend, owned: boolean, options: ComputeOptions): Compute {
  const { threads = availableThreads(), onNotice } = options;
  if (threads === 1 || isShared(backend)) return { backend, owned, threads };
  if (options.threads !== undefined) {
    const reason = backend.name === "wasm" ? (whyNoThreads() ?? "its memory is not shared") : "it has no threads";
    onNotice?.(`backend ${backend.name} computes on one thread, not on ${threads}: ${reason}`);
  }
  return { backend, owned, threads: 1 };
}

/** True for a backend whose memory several threads can work on. */
export function isShared(backend: Backend): backend is WasmBackend {
  return backend.name === "wasm" && !((backend as WasmBackend).memory.buffer instanceof ArrayBuffer);
}

async function createBackend(
  name: BackendName | undefined,
  shared: boolean,
  onNotice: ComputeOptions["onNotice"],
): Promise<Backend> {
  switch (name) {
    case "gpu":
      return createGpu();
    case "wasm":
      return createWasm(shared);
    case "reference":
      return createReferenceBackend();
    case undefined:
      if (wasmSupported()) return createWasm(shared);
      onNotice?.("backend reference (plain TypeScript, slow) is used: wasm does not run here");
      return createReferenceBackend();
  }
}

function createWasm(shared: boolean): Backend {
  if (wasmSupported()) return createWasmBackend({ shared });
  throw new CnnError("BACKEND_UNAVAILABLE", "backend wasm: this JavaScript engine has no WebAssembly SIMD");
}

/** Loaded when asked for, so that nobody else carries it. */
async function createGpu(): Promise<Backend> {
  const { createGpuBackend } = await import("@cifar/tensor/gpu");
  try {
    return await createGpuBackend();
  } catch (cause) {
    throw new CnnError("BACKEND_UNAVAILABLE", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
