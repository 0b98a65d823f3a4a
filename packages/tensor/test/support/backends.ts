import { type Backend, createWasmBackend, type Tensor } from "../../src/index.js";
import { createReferenceBackend } from "../../src/reference/backend.js";

/** An implementation under test. */
export interface BackendCase {
  readonly name: string;
  readonly create: () => Backend;
}

/**
 * All implementations that run here; every case of the conformance suite is run on each. Backend `gpu` has a file of its
 * own, as it needs gpu.js and other tolerances.
 */
export const backends: readonly BackendCase[] = [
  { name: "reference", create: createReferenceBackend },
  { name: "wasm, 2 vectors", create: () => createWasmBackend({ vectors: 2 }) },
  { name: "wasm, 4 vectors", create: () => createWasmBackend({ vectors: 4 }) },
  { name: "wasm, region of a shared memory", create: createInRegion },
];

/** As another thread of a run has it. */
function createInRegion(): Backend {
  const owner = createWasmBackend({ shared: true });
  owner.tensor([1000]);
  return createWasmBackend({ memory: owner.memory, region: owner.reserve(64 << 20) });
}

/** A tensor of a backend with these values. */
export async function fill(backend: Backend, shape: readonly number[], values: ArrayLike<number>): Promise<Tensor> {
  const tensor = backend.tensor(shape);
  await backend.write(tensor, Float32Array.from(values));
  return tensor;
}

/** A tensor of labels. */
export async function fillLabels(backend: Backend, values: readonly number[]): Promise<Tensor<"int32">> {
  const tensor = backend.tensor([values.length], "int32");
  await backend.write(tensor, Int32Array.from(values));
  return tensor;
}
