import { encodeModule, FunctionBuilder } from "./assembler.js";

let supported: boolean | undefined;

/** Whether this JavaScript engine runs WebAssembly with SIMD: asked of the engine itself, by validation. */
export function wasmSupported(): boolean {
  supported ??= detect();
  return supported;
}

function detect(): boolean {
  if (typeof WebAssembly !== "object") return false;
  const f = new FunctionBuilder(["i32"]);
  const [address] = f.parameters;
  f.get(address).get(address).memory("v128.load").f32x4(1).op("f32x4.add").memory("v128.store");
  f.get(address).i32(0).i32(16).memoryFill();
  return WebAssembly.validate(encodeModule(new Map([["f", f]]), { shared: false, maximumPages: 1 }));
}
