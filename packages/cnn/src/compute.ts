import {
  type Backend,
  type BackendName,
  type InferenceBackend,
  TensorError,
  type WasmBackendOptions,
  type WasmInferenceBackend,
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
  /** As many as may work on it. */
  readonly threads: number;
  /** Says in one line that there is one thread for this reason, if there turns out to be no more. */
  readonly onOneThread: (reason: string) => void;
}

/**
 * Chooses and makes the backend: what was asked for, else the fastest that runs here. Anything slower than asked for is
 * said through `onNotice`.
 * @param createWasm makes backend `wasm`: all of it for training, or the part that classifying needs, so that a page gets no
 * more than that
 * @param batchSize pictures at a time: threads that would have nothing to do are not missed
 * @throws CnnError BACKEND_UNAVAILABLE if a backend asked for by name cannot run here; INVALID_ARGUMENT
 */
export async function openCompute<B extends InferenceBackend>(
  options: ComputeOptions,
  createWasm: (options: WasmBackendOptions) => B,
  batchSize = 1,
): Promise<Compute<Backend | B>> {
  const { backend, threads = availableThreads(), onNotice } = options;
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > 256) {
    throw new CnnError("INVALID_ARGUMENT", `threads must be a whole number from 1 to 256, not ${threads}`);
  }
  checkBackend(backend);
  if (backend !== undefined && typeof backend !== "string") return withThreads({ backend, owned: false });
  return withThreads({ ...(await create()), owned: true });

  async function create(): Promise<Made<Backend | B>> {
    if (backend === "gpu") return { backend: await createGpu() };
    if (backend === "reference") return { backend: await createReference() };
    try {
      return openWasm(createWasm, threads);
    } catch (cause) {
      if (!(cause instanceof TensorError)) throw cause;
      const reason = cause.message.replace("backend wasm: ", "");
      if (backend === "wasm") throw new CnnError("BACKEND_UNAVAILABLE", `backend wasm: ${reason}`, { cause });
      onNotice?.(`backend reference (plain TypeScript, slow) is used: ${reason}`);
      return { backend: await createReference(), announced: true };
    }
  }

  /** As many threads as the backend lets work on its memory; fewer than asked for are announced. */
  function withThreads<T extends InferenceBackend>(made: Made<T> & { readonly owned: boolean }): Compute<T> {
    const { backend, owned, announced = false } = made;
    const onOneThread = (reason: string) =>
      onNotice?.(`backend ${backend.name} computes on one thread, not on ${threads}: ${reason}`);
    if (threads === 1 || isShared(backend)) return { backend, owned, threads, onOneThread };
    // Nobody who leaves the number to this package counts on threads that this backend never has, or that would idle.
    const missed = options.threads !== undefined || (made.refusal !== undefined && batchSize > backend.shardSize);
    if (missed && !announced) {
      onOneThread(made.refusal ?? (backend.name === "wasm" ? "its memory is not shared" : "it has no threads"));
    }
    return { backend, owned, threads: 1, onOneThread };
  }
}

/** A backend, and what is known of it. */
interface Made<B extends InferenceBackend> {
  readonly backend: B;
  /** Why no threads can work on it though it knows how to. */
  readonly refusal?: string;
  /** All that there is to say has been said. */
  readonly announced?: boolean;
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

/** Backend wasm on a memory that threads share; on one of its own where that cannot be had. */
function openWasm<B extends InferenceBackend>(
  createWasm: (options: WasmBackendOptions) => B,
  threads: number,
): Made<B> {
  if (threads === 1) return { backend: createWasm({}) };
  const refusal = whyNoThreads();
  if (refusal !== undefined) return { backend: createWasm({}), refusal };
  try {
    return { backend: createWasm({ shared: true }) };
  } catch (error) {
    if (!(error instanceof TensorError && error.code === "OUT_OF_MEMORY")) throw error;
    return { backend: createWasm({}), refusal: error.message };
  }
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
