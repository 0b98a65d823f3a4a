import v8 from "node:v8";
import type { Backend } from "./backend.js";
import { createWasmBackend } from "./wasm/backend.js";
import { wasmSupported } from "./wasm/support.js";
import { setProductWidth } from "./wasm/width.js";

/*
 * What programs in Node may do for speed and libraries may not: change V8's flags. Import it as `@cifar/tensor/node`.
 */

/** What {@link enableRevectorization} has decided, and why in one line. */
export interface Revectorization {
  readonly enabled: boolean;
  readonly reason: string;
}

const FLAG = "--experimental-wasm-revectorize";

/** Majors of V8 that know the flag: that of Node 22 is 12. An older one prints an error for a flag that it does not know. */
const FIRST_V8 = 12;

let decision: Revectorization | undefined;

/**
 * Lets V8 join neighbouring 128-bit operations of WebAssembly into 256-bit ones, if it can and if a self-check finds the
 * results unchanged to the last bit. For programs, once, before they make a backend; `CIFAR_REVECTORIZE=0` forbids it.
 */
export function enableRevectorization(): Revectorization {
  decision ??= decide();
  return decision;
}

function decide(): Revectorization {
  const { CIFAR_REVECTORIZE: wanted } = process.env;
  if (wanted === "0") return { enabled: false, reason: "switched off by CIFAR_REVECTORIZE=0" };
  if (!wasmSupported()) return { enabled: false, reason: "no WebAssembly SIMD" };
  const { v8: version } = process.versions;
  if (Number.parseInt(version, 10) < FIRST_V8) {
    return { enabled: false, reason: `V8 ${version} cannot (Node 22 and later can)` };
  }
  if (process.arch !== "x64") return { enabled: false, reason: `only on x64, this is ${process.arch}` };
  const before = selfCheck(2);
  v8.setFlagsFromString(FLAG);
  const after = selfCheck(4);
  if (before.length === after.length && before.every((value, index) => value === after[index])) {
    setProductWidth(4);
    return { enabled: true, reason: "256 bit, results checked to be the same bits" };
  }
  v8.setFlagsFromString(FLAG.replace("--", "--no-"));
  return { enabled: false, reason: "the self-check found other results with it" };
}

/** The bits of convolutions' results, forward and backward, with products of this width. */
function selfCheck(vectors: 2 | 4): Uint32Array {
  const backend = createWasmBackend({ vectors });
  // One side for each way of cutting a picture into Winograd's tiles.
  const results = [10, 8].flatMap((side) => convolve(backend, side));
  return new Uint32Array(Float32Array.from(results).buffer);
}

/** All results of a convolution of one picture with this side. */
function convolve(backend: Backend, side: number): number[] {
  const input = [1, side, side, 16];
  const conv = backend.conv2d({ input, filters: 16, kernel: 3, padding: 2, relu: true });
  const make = (shape: readonly number[], factor: number) => {
    const tensor = backend.tensor(shape);
    // Any numbers will do that fill the mantissa.
    tensor.data.forEach((_, index, values) => {
      values[index] = (((index * factor) % 1009) - 504) / 777;
    });
    return tensor;
  };
  const picture = make(input, 101);
  const output = make(conv.outputShape, 211);
  const filterGradient = backend.tensor(conv.filterShape);
  const inputGradient = backend.tensor(input);
  const biasGradient = backend.tensor([16]);
  conv.prepare(make(conv.filterShape, 307), make([16], 401));
  // V8 optimises a WebAssembly function after some calls, and only the optimised code is re-vectorised.
  for (let call = 0; call < 200; call++) conv.forward(picture, output);
  for (let call = 0; call < 20; call++) {
    conv.backwardInput(output, inputGradient);
    conv.backwardFilter(picture, output, filterGradient, biasGradient);
  }
  return [output, inputGradient, filterGradient, biasGradient].flatMap(({ data }) => [...data]);
}
