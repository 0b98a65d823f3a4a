import type { DType, Tensor } from "../tensor.js";
import { encodeModule, type FunctionBuilder } from "./assembler.js";
import type { WasmMemory, WasmTensor } from "./memory.js";

/** A function of a kernel: addresses and numbers in, nothing out. */
type KernelFunction = (...values: number[]) => void;

/** The functions of a kernel's module, by name. */
export type KernelFunctions<Name extends string = string> = Readonly<Record<Name, KernelFunction>>;

/** What a kernel needs to be made. */
export interface KernelContext {
  readonly memory: WasmMemory;
  /** Channels side by side in hot loops: 4 vectors where V8 joins them to 256 bit, else 2. Results do not depend on it. */
  readonly vectors: 2 | 4;
  /**
   * The functions that `build` emits, compiled once a key and process.
   * @param key names operation, shape and whatever else the code depends on
   */
  instantiate<Name extends string>(key: string, build: () => ReadonlyMap<Name, FunctionBuilder>): KernelFunctions<Name>;
}

/** Modules are the same for every backend whose memory is of the same kind. */
const modules = new Map<string, WebAssembly.Module>();

/** A context for the kernels of one backend. */
export function createContext(memory: WasmMemory, vectors: 2 | 4): KernelContext {
  const instances = new Map<string, KernelFunctions>();
  return {
    memory,
    vectors,
    instantiate<Name extends string>(key: string, build: () => ReadonlyMap<Name, FunctionBuilder>) {
      const known: KernelFunctions<Name> | undefined = instances.get(key);
      if (known !== undefined) return known;
      const moduleKey = `${key} shared:${memory.shared} vectors:${vectors}`;
      let module = modules.get(moduleKey);
      if (module === undefined) {
        module = new WebAssembly.Module(encodeModule(build(), memory));
        modules.set(moduleKey, module);
      }
      // The packages' types do without this name, see WebAssemblyMemory.
      const imported = memory.memory as WebAssembly.Memory;
      const instance = new WebAssembly.Instance(module, { env: { memory: imported } });
      const functions = instance.exports as unknown as KernelFunctions<Name>;
      instances.set(key, functions);
      return functions;
    },
  };
}

/** Address of a tensor that this backend has made. */
export function addressOf(tensor: Tensor<DType>): number {
  return (tensor as WasmTensor<DType>).address;
}
