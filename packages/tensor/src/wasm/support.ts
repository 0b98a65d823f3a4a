import { encodeModule, FunctionBuilder } from "./assembler.js";

/** The answer, once it has been looked for. */
let found: { readonly reason: string | undefined } | undefined;

/** Whether this JavaScript engine runs WebAssembly with SIMD and lets this program compile it. */
export function wasmSupported(): boolean {
  return whyNoWasm() === undefined;
}

/** Why backend `wasm` cannot run here, in one clause; undefined where it can. Asked of the engine itself, by trying. */
export function whyNoWasm(): string | undefined {
  found ??= { reason: tryOut() };
  return found.reason;
}

function tryOut(): string | undefined {
  if (typeof WebAssembly !== "object") return "this JavaScript engine has no WebAssembly";
  const f = new FunctionBuilder(["i32"]);
  const [address] = f.parameters;
  f.get(address).get(address).memory("v128.load").f32x4(1).op("f32x4.add").memory("v128.store");
  f.get(address).i32(0).i32(16).memoryFill();
  const bytes = encodeModule(new Map([["f", f]]), { shared: false, maximumPages: 1 });
  if (!WebAssembly.validate(bytes)) return "this JavaScript engine has no WebAssembly SIMD";
  try {
    // What is valid may still be forbidden: a page's policy is asked only where code is made.
    new WebAssembly.Module(bytes);
    return undefined;
  } catch {
    return "compiling WebAssembly is forbidden here; a page's Content-Security-Policy allows it by 'wasm-unsafe-eval' in script-src";
  }
}
