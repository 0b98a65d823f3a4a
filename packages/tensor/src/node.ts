import v8 from "node:v8";
import type { Backend, Conv2dSpec, Muon, Sgd } from "./backend.js";
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
const WITHOUT = FLAG.replace("--", "--no-");

/** Majors of V8 that know the flag: that of Node 22 is 12. An older one prints an error for a flag that it does not know. */
const FIRST_V8 = 12;

let decision: Revectorization | undefined;

/**
 * Lets V8 join neighbouring 128-bit operations of WebAssembly into 256-bit ones, if it can and if a self-check finds the
 * results unchanged to the last bit. For programs, once, before they make a backend; `CIFAR_REVECTORIZE=0` forbids it.
 */
export function enableRevectorization(): Revectorization {
  const steps = decide();
  for (let next = steps.next(); decision === undefined; next = steps.next()) {
    if (next.done) decision = next.value;
  }
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

/**
 * The same for a program that serves meanwhile: in steps of some ten milliseconds.
 * @param breathe awaited after each
 */
export async function enableRevectorizationInSteps(breathe: () => Promise<void>): Promise<Revectorization> {
  const steps = decide();
  for (let next = steps.next(); decision === undefined; next = steps.next()) {
    if (next.done) decision = next.value;
    else await breathe();
  }
  return decision;
}

function* decide(): Generator<void, Revectorization> {
  const refusal = revectorizationRefusal();
  if (refusal !== undefined) return { enabled: false, reason: refusal };
  try {
    // V8 keeps what it has compiled for as long as a module of the same bytes lives; importing a shared memory makes others.
    const before: Buffer[] = [];
    for (const check of selfChecks(createWasmBackend({ vectors: 2, shared: true }))) {
      before.push(check());
      yield;
    }
    for (const [index, check] of selfChecks(createWasmBackend({ vectors: 4 })).entries()) {
      if (!before[index]!.equals(revectorised(check))) {
        return { enabled: false, reason: "the self-check found other results with it" };
      }
      yield;
    }
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    return { enabled: false, reason: `it could not be checked: ${error.message}` };
  }
  v8.setFlagsFromString(FLAG);
  setProductWidth(4);
  return { enabled: true, reason: "256 bit, results checked to be the same bits" };
}

/**
 * Runs a function with the flag, and with V8's first compiler for WebAssembly switched off: otherwise code is optimised, and
 * re-vectorised, only after many calls and at some later time. Nothing else is compiled meanwhile.
 */
function revectorised<Result>(run: () => Result): Result {
  v8.setFlagsFromString(FLAG);
  v8.setFlagsFromString("--no-liftoff");
  try {
    return run();
  } finally {
    v8.setFlagsFromString("--liftoff");
    v8.setFlagsFromString(WITHOUT);
  }
}

/** Each gives the bits of some operations' results, forward and backward, for small shapes that run their loops. */
function selfChecks(backend: Backend): (() => Buffer)[] {
  const make = <D extends DType = "float32">(shape: readonly number[], dtype?: D) => {
    const tensor = backend.tensor(shape, dtype);
    // Any numbers will do that fill the mantissa.
    for (let index = 0; index < tensor.size; index++) tensor.data[index] = (((index * 211) % 1009) - 504) / 777;
    return tensor;
  };
  const bitsOf = (...tensors: readonly { readonly data: DataTypes[DType] }[]) =>
    Buffer.concat(tensors.map(({ data }) => Buffer.from(data.slice().buffer)));

  // Three checks, as its kernels are compiled when they are first called.
  const conv2d = (spec: Conv2dSpec): (() => Buffer)[] => {
    const open = () => {
      const conv = backend.conv2d(spec);
      return { conv, input: make(spec.input), output: make(conv.outputShape), gradient: make(conv.outputShape) };
    };
    let opened: ReturnType<typeof open> | undefined;
    return [
      () => {
        opened = open();
        const { conv, input, output } = opened;
        conv.prepare(make(conv.filterShape), make([spec.filters]));
        conv.forward(input, output);
        return bitsOf(output);
      },
      () => {
        const { conv, gradient } = opened!;
        const inputGradient = make(spec.input);
        conv.backwardInput(gradient, inputGradient);
        return bitsOf(inputGradient);
      },
      () => {
        const { conv, input, gradient } = opened!;
        const [filterGradient, biasGradient] = [make(conv.filterShape), make([spec.filters])];
        conv.backwardFilter(input, gradient, filterGradient, biasGradient);
        return bitsOf(filterGradient, biasGradient);
      },
    ];
  };
  const maxPool2d = (): Buffer => {
    const pool = backend.maxPool2d({ input: [1, 4, 4, 16], size: 2 });
    const [input, output, gradient] = [make([1, 4, 4, 16]), make(pool.outputShape), make([1, 4, 4, 16])];
    pool.forward(input, output);
    pool.backward(input, output, make(pool.outputShape), gradient);
    return bitsOf(output, gradient);
  };
  const elementwise = (): Buffer => {
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
    return bitsOf(positive, reluGradient, dropped, mask, total);
  };
  const optimiser = (open: () => Sgd | Muon) => (): Buffer => {
    const [parameter, gradient, velocity] = [make([8, 16]), make([8, 16]), make([8, 16])];
    open().step(parameter, gradient, velocity, { learningRate: 0.1, weightDecay: 0.01, gradientScale: 0.5 });
    return bitsOf(parameter, velocity);
  };
  return [
    ...conv2d({ input: [1, 5, 5, 3], filters: 16, kernel: 3, padding: 1, relu: true }),
    // Winograd, its tiles cut from the output and, backward, from the input.
    ...conv2d({ input: [2, 6, 10, 16], filters: 16, kernel: 3, relu: true }),
    maxPool2d,
    elementwise,
    optimiser(() => backend.sgd({ shape: [8, 16], momentum: 0.9, nesterov: true })),
    optimiser(() => backend.muon({ shape: [8, 16], momentum: 0.9 })),
  ];
}
