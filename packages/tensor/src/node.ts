import v8 from "node:v8";
import type { Backend } from "./backend.js";
import { TensorError } from "./errors.js";
import type { DataTypes, DType } from "./tensor.js";
import { createWasmBackend } from "./wasm/backend.js";
import { whyNoWasm } from "./wasm/support.js";
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

/**
 * Why {@link enableRevectorization} says no before it computes anything; undefined where a self-check decides, which takes
 * a backend.
 */
export function revectorizationRefusal(): string | undefined {
  const { CIFAR_REVECTORIZE: wanted } = process.env;
  if (wanted === "0") return "switched off by CIFAR_REVECTORIZE=0";
  const missing = whyNoWasm();
  if (missing !== undefined) return missing;
  const { v8: version } = process.versions;
  if (Number.parseInt(version, 10) < FIRST_V8) return `V8 ${version} cannot (Node 22 and later can)`;
  return process.arch === "x64" ? undefined : `only on x64, this is ${process.arch}`;
}

function decide(): Revectorization {
  const refusal = revectorizationRefusal();
  if (refusal !== undefined) return { enabled: false, reason: refusal };
  let before: Buffer;
  try {
    // V8 keeps what it has compiled for as long as a module of the same bytes lives; importing a shared memory makes others.
    before = selfCheck(createWasmBackend({ vectors: 2, shared: true }));
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    return { enabled: false, reason: `it could not be checked: ${error.message}` };
  }
  v8.setFlagsFromString(FLAG);
  const after = optimised(() => selfCheck(createWasmBackend({ vectors: 4 })));
  if (before.equals(after)) {
    setProductWidth(4);
    return { enabled: true, reason: "256 bit, results checked to be the same bits" };
  }
  v8.setFlagsFromString(FLAG.replace("--", "--no-"));
  return { enabled: false, reason: "the self-check found other results with it" };
}

/**
 * Runs a function with V8's first compiler for WebAssembly switched off: otherwise code is optimised, and re-vectorised,
 * only after many calls and at some later time.
 */
function optimised<Result>(run: () => Result): Result {
  v8.setFlagsFromString("--no-liftoff");
  try {
    return run();
  } finally {
    v8.setFlagsFromString("--liftoff");
  }
}

/** The bits of every operation's results, forward and backward, for small shapes that run their loops. */
function selfCheck(backend: Backend): Buffer {
  const results: Buffer[] = [];
  const make = <D extends DType = "float32">(shape: readonly number[], dtype?: D) => {
    const tensor = backend.tensor(shape, dtype);
    // Any numbers will do that fill the mantissa.
    for (let index = 0; index < tensor.size; index++) tensor.data[index] = (((index * 211) % 1009) - 504) / 777;
    return tensor;
  };
  const keep = (...tensors: readonly { readonly data: DataTypes[DType] }[]) => {
    for (const { data } of tensors) results.push(Buffer.from(data.slice().buffer));
  };

  const direct = { input: [1, 5, 5, 3], filters: 16, kernel: 3, padding: 1, relu: true };
  // Winograd, its tiles cut from the output and, backward, from the input.
  const winograd = { input: [2, 6, 10, 16], filters: 16, kernel: 3, relu: true };
  for (const spec of [direct, winograd]) {
    const conv = backend.conv2d(spec);
    const [input, filter, bias] = [make(spec.input), make(conv.filterShape), make([spec.filters])];
    const [output, gradient] = [make(conv.outputShape), make(conv.outputShape)];
    const [inputGradient, filterGradient, biasGradient] = [make(spec.input), make(conv.filterShape), make([16])];
    conv.prepare(filter, bias);
    conv.forward(input, output);
    conv.backwardInput(gradient, inputGradient);
    conv.backwardFilter(input, gradient, filterGradient, biasGradient);
    keep(output, inputGradient, filterGradient, biasGradient);
  }
  const pool = backend.maxPool2d({ input: [1, 4, 4, 16], size: 2 });
  const [poolInput, poolOutput, poolGradient] = [make([1, 4, 4, 16]), make(pool.outputShape), make([1, 4, 4, 16])];
  pool.forward(poolInput, poolOutput);
  pool.backward(poolInput, poolOutput, make(pool.outputShape), poolGradient);
  keep(poolOutput, poolGradient);

  const values = make([1, 128]);
  const relu = backend.relu({ shape: values.shape });
  const [positive, reluGradient] = [make(values.shape), make(values.shape)];
  relu.forward(values, positive);
  relu.backward(positive, values, reluGradient);
  const dropout = backend.dropout({ shape: values.shape, rate: 0.5 });
  const [dropped, mask] = [make(values.shape), make(dropout.maskShape, "uint32")];
  dropout.forward(values, dropped, mask, { seed: 1, stream: 2, step: 3, picture: 4 });
  const total = make(values.shape);
  backend.sum({ shape: values.shape, count: 3 }).forward([values, positive, dropped], total);
  keep(positive, reluGradient, dropped, mask, total);

  const step = { learningRate: 0.1, weightDecay: 0.01, gradientScale: 0.5 };
  for (const optimiser of [
    backend.sgd({ shape: [8, 16], momentum: 0.9, nesterov: true }),
    backend.muon({ shape: [8, 16], momentum: 0.9 }),
  ]) {
    const [parameter, gradient, velocity] = [make([8, 16]), make([8, 16]), make([8, 16])];
    optimiser.step(parameter, gradient, velocity, step);
    keep(parameter, velocity);
  }
  return Buffer.concat(results);
}
