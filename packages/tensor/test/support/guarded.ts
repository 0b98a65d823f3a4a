import type { Backend } from "../../src/index.js";
import { backendOn, type WasmBackend } from "../../src/wasm/backend.js";
import { WasmMemory, type WasmMemoryOptions } from "../../src/wasm/memory.js";
import { VECTOR } from "../../src/wasm/vectors.js";

/** A NaN that no arithmetic makes: whatever reads it shows it in its results, whatever writes over it is found. */
const CANARY = 0x7fc5_a5a5;
/** Bytes before and behind everything: more than a pixel or a short row, less than would hide a stray write among them. */
const GUARD = 1024;

interface Block {
  readonly start: number;
  readonly bytes: number;
}

/**
 * A memory in which canaries stand before and behind each tensor, packed filter and scratch space. Kernels may read, and
 * within a tensor's last vector write, past its end, as long as nothing comes of it: what is left of that vector holds
 * canaries before each call, the words behind it for ever.
 */
export class GuardedMemory extends WasmMemory {
  readonly #blocks: Block[] = [];

  override allocate(bytes: number): number {
    const start = super.allocate(bytes + 2 * GUARD) + GUARD;
    this.#blocks.push({ start, bytes });
    return start;
  }

  /** Sets up all canaries, and fills the scratch space with them. */
  setUp(): void {
    const { scratch, scratchBytes } = this;
    if (scratchBytes > 0) this.#words(scratch, scratch + scratchBytes).fill(CANARY);
    for (const { start, bytes } of this.#blocks) {
      this.#words(start - GUARD, start).fill(CANARY);
      this.#words(start + bytes, start + bytes + GUARD).fill(CANARY);
    }
  }

  /** Throws if a canary is gone. */
  check(call: string): void {
    for (const { start, bytes } of this.#blocks) {
      const end = Math.ceil((start + bytes) / VECTOR) * VECTOR;
      for (const [from, to] of [
        [start - GUARD, start],
        [end, start + bytes + GUARD],
      ] as const) {
        const at = this.#words(from, to).findIndex((word) => word !== CANARY);
        if (at < 0) continue;
        throw new Error(`${call} wrote at byte ${from + 4 * at - start} of a block of ${bytes} bytes`);
      }
    }
  }

  #words(from: number, to: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, from, (to - from) / 4);
  }
}

const OPERATIONS = [
  "conv2d",
  "maxPool2d",
  "relu",
  "linear",
  "dropout",
  "softmaxCrossEntropy",
  "softmax",
  "sum",
  "sgd",
  "muon",
] as const satisfies readonly (keyof Backend)[];

/** Backend `wasm` on a memory with canaries, which each call of an operation finds set up and has to leave as they are. */
export function guardedBackend({ vectors, ...options }: WasmMemoryOptions & { readonly vectors: 2 | 4 }): WasmBackend {
  const memory = new GuardedMemory(options);
  const backend = backendOn(memory, vectors);
  const guarded: Record<string, (spec: never) => object> = {};
  for (const name of OPERATIONS) {
    guarded[name] = (spec) =>
      Object.fromEntries(
        Object.entries(backend[name](spec)).map(([key, value]: [string, unknown]) => [
          key,
          typeof value !== "function"
            ? value
            : (...values: unknown[]) => {
                memory.setUp();
                value(...values);
                memory.check(`${name}.${key}`);
              },
        ]),
      );
  }
  return { ...backend, ...guarded } as WasmBackend;
}
