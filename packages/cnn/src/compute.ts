import {
  type Backend,
  type BackendName,
  type InferenceBackend,
  type WasmBackendOptions,
  type WasmInferenceBackend,
  wasmSupported,
} from "@cifar/tensor";
import { availableThreads, whyNoThreads } from "#platform";
import { CnnError } from "./errors.js";
import type { ComputeOptions } from "./fit-options.js";
import { checkWord } from "./option.js";

/** A backend ready for use. */
export interface Compute<B extends InferenceBackend = InferenceBackend> {
  readonly backend: B;
  /** True if it was made here and is to be closed here. */
  readonly owned: boolean;
  readonly threads: number;
}

/**
 * Chooses and makes the backend: what was asked for, else the fastest that runs here. Anything slower than asked for is
 * said through `onNotice`.
 * @param createWasm makes backend `wasm`: all of it for training, or the part that classifying needs, so that a page gets no
 * more than that
 * @throws CnnError BACKEND_UNAVAILABLE if a backend asked for by name cannot run here; INVALID_ARGUMENT
 */
export async function openCompute<B extends InferenceBackend>(
  options: ComputeOptions,
  createWasm: (options: WasmBackendOptions) => B,
): Promise<Compute<Backend | B>> {
  const { backend, threads = availableThreads(), onNotice } = options;
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > 256) {
    throw new CnnError("INVALID_ARGUMENT", `threads must be a whole number from 1 to 256, not ${threads}`);
  }
  checkBackend(backend);
  if (backend !== undefined && typeof backend !== "string") return withThreads(backend, false, options);
  const shared = threads > 1 && whyNoThreads() === undefined;
  return withThreads(await create(), true, options);

  async function create(): Promise<Backend | B> {
    if (backend === "gpu") return createGpu();
    if (backend !== "reference" && wasmSupported()) return createWasm({ shared });
    if (backend === "wasm") {
      throw new CnnError("BACKEND_UNAVAILABLE", "backend wasm: this JavaScript engine has no WebAssembly SIMD");
    }
    if (backend === undefined) onNotice?.("backend reference (plain TypeScript, slow) is used: wasm does not run here");
    return createReference();
  }
}

const NAMES: readonly BackendName[] = ["wasm", "reference", "gpu"];

/** A name that there is not would else be the fastest backend, and whatever is no backend fails somewhere inside. */
function checkBackend(backend: unknown): void {
  if (backend === undefined || isBackend(backend)) return;
  checkWord("backend", backend, NAMES);
}

function isBackend(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("name" in value) || !("conv2d" in value)) return false;
  return NAMES.some((name) => name === value.name);
}

/** As many threads as the backend lets work on its memory; fewer than asked for are announced. */
function withThreads<B extends InferenceBackend>(backend: B, owned: boolean, options: ComputeOptions): Compute<B> {
  const { threads = availableThreads(), onNotice } = options;
  if (threads === 1 || isShared(backend)) return { backend, owned, threads };
  if (options.threads !== undefined) {
    const reason = backend.name === "wasm" ? (whyNoThreads() ?? "its memory is not shared") : "it has no threads";
    onNotice?.(`backend ${backend.name} computes on one thread, not on ${threads}: ${reason}`);
  }
  return { backend, owned, threads: 1 };
}

/** True for a backend whose memory several threads can work on. */
export function isShared(backend: InferenceBackend): backend is WasmInferenceBackend {
  return backend.name === "wasm" && !((backend as WasmInferenceBackend).memory.buffer instanceof ArrayBuffer);
}

/** Loaded when asked for, as the one below: most never need it. */
async function createReference(): Promise<Backend> {
  const { createReferenceBackend } = await import("@cifar/tensor/reference");
  return createReferenceBackend();
}

async function createGpu(): Promise<Backend> {
  const { createGpuBackend } = await import("@cifar/tensor/gpu");
  try {
    return await createGpuBackend();
  } catch (cause) {
    throw new CnnError("BACKEND_UNAVAILABLE", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
