import fc from "fast-check";
import { expect } from "vitest";
import type { Backend, Shape } from "../../src/index.js";
import { createReferenceBackend } from "../../src/reference/backend.js";
import { WasmMemory } from "../../src/wasm/memory.js";
import { setUp } from "./bench.js";
import { guardedBackend } from "./guarded.js";
import { FORWARD, GRADIENT } from "./numbers.js";
import * as operations from "./operations.js";

/** An operation on some shape, with the seed of the values that it is given. */
export interface Case {
  readonly name: string;
  readonly spec: object;
  readonly seed: number;
  readonly operation: operations.Operation;
  /** Largest difference from the reference, relative to the largest value, or to 1 where all are smaller. */
  readonly tolerance: number;
}

const whole = (min: number, max: number) => fc.integer({ min, max });
const side = whole(1, 13);
/** Around the widths of a vector, of a tile and of two. */
const width = fc.oneof(whole(1, 9), whole(10, 40));
const seed = fc.nat(1_000_000);
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.tuple(whole(1, 130)),
  fc.tuple(whole(1, 3), width),
  fc.tuple(whole(1, 3), side, side, whole(1, 5)),
);

function caseOf<Spec extends object>(
  name: string,
  specs: fc.Arbitrary<Spec>,
  { operation, tolerance = FORWARD }: { operation: (spec: Spec) => operations.Operation; tolerance?: number },
): fc.Arbitrary<Case> {
  return fc.tuple(specs, seed).map(([spec, values]) => ({
    name,
    spec,
    seed: values,
    operation: operation(spec),
    tolerance,
    [fc.toStringMethod]: () => `${name} ${JSON.stringify(spec)}, values of seed ${values}`,
  }));
}

const fits = ({ input: [, height, columns], kernel, padding }: { input: Shape; kernel: number; padding: number }) =>
  Math.min(height!, columns!) + 2 * padding >= kernel;

/** Most ask for both gradients, as training does. */
const gradients = <Name extends string>(name: Name) => {
  const all = { input: true, [name]: true } as Record<Name | "input", boolean>;
  const some = { input: fc.boolean(), [name]: fc.boolean() } as Record<Name | "input", fc.Arbitrary<boolean>>;
  return fc.oneof(fc.constant(all), fc.record(some) as fc.Arbitrary<Record<Name | "input", boolean>>);
};

/** Up to longer than any side. */
const stride = fc.oneof({ weight: 9, arbitrary: whole(1, 6) }, { weight: 1, arbitrary: fc.constant(2 ** 50) });

/** Kernels, strides and paddings of every relation to each other: the kernel may lie in the padding whole. */
const direct = fc
  .record({
    input: fc.tuple(whole(1, 3), side, side, whole(1, 9)),
    filters: width,
    kernel: whole(1, 7),
    stride,
    padding: whole(0, 8),
    relu: fc.boolean(),
    gradients: gradients("filter"),
  })
  .filter(fits);

/** What Winograd's algorithm serves: both forms, edges of all kinds, several blocks of rows. */
const winograd = fc
  .record({
    input: fc.tuple(whole(1, 5), whole(2, 21), whole(2, 21), fc.constantFrom(8, 16, 24)),
    filters: fc.constantFrom(8, 16, 24),
    kernel: fc.constant(3),
    padding: whole(0, 2),
    relu: fc.boolean(),
    gradients: gradients("filter"),
  })
  .filter(({ input, ...rest }) => fits({ input, ...rest }));

/** Windows with code for each position, and windows in loops. */
const pooling = fc
  .record({ input: fc.tuple(whole(1, 3), side, side, width), size: fc.oneof(whole(1, 5), whole(6, 13)), stride })
  .filter(({ input: [, height, columns], size }) => Math.min(height, columns) >= size);

const multiplication = fc.record({
  batch: whole(1, 9),
  inputs: whole(1, 70),
  outputs: width,
  gradients: gradients("weight"),
});

const classes = { batch: whole(1, 9), classes: whole(1, 21) };

/** Newton and Schulz's iteration stretches small singular values, and with them their rounding, 3.4-fold five times. */
const STRETCHED = 2e-3;

/** Every operation of backend `wasm` on random shapes. */
export const cases: fc.Arbitrary<Case> = fc.oneof(
  { weight: 6, arbitrary: caseOf("conv2d", direct, { operation: operations.conv2d, tolerance: GRADIENT }) },
  { weight: 3, arbitrary: caseOf("conv2d", winograd, { operation: operations.conv2d, tolerance: GRADIENT }) },
  caseOf("linear", multiplication, { operation: operations.linear, tolerance: GRADIENT }),
  { weight: 2, arbitrary: caseOf("maxPool2d", pooling, { operation: operations.maxPool2d }) },
  caseOf("relu", fc.record({ shape, inPlace: fc.boolean() }), { operation: operations.relu }),
  caseOf("dropout", fc.record({ shape, rate: fc.constantFrom(0, 0.1, 0.5, 0.9), seed, inPlace: fc.boolean() }), {
    operation: operations.dropout,
  }),
  caseOf("softmaxCrossEntropy", fc.record({ ...classes, labelSmoothing: fc.constantFrom(0, 0.2), seed }), {
    operation: operations.softmaxCrossEntropy,
  }),
  caseOf("softmax", fc.record({ ...classes, inPlace: fc.boolean() }), { operation: operations.softmax }),
  caseOf("sum", fc.record({ shape, count: whole(1, 9) }), { operation: operations.sum }),
  caseOf("sgd", fc.record({ shape, momentum: fc.constantFrom(0.5, 0.9), nesterov: fc.boolean() }), {
    operation: operations.sgd,
  }),
  caseOf("muon", fc.record({ shape: fc.tuple(whole(1, 3), whole(1, 20), whole(1, 40)), momentum: fc.constant(0.6) }), {
    operation: operations.muon,
    tolerance: STRETCHED,
  }),
);

/** The kinds of backends: both widths of products, and each kind of memory. */
export const guardedBackends = [
  { name: "2 vectors", create: () => guardedBackend({ vectors: 2 }) },
  { name: "4 vectors", create: () => guardedBackend({ vectors: 4 }) },
  {
    name: "a region of a shared memory",
    create() {
      const owner = new WasmMemory({ shared: true });
      const region = owner.reserve(64 << 20);
      return guardedBackend({ vectors: 2, memory: owner.memory, region });
    },
  },
] as const;

/**
 * Runs operations alone, each on a backend of its own, and together on one, twice by turns: all have to leave what is not
 * theirs alone, to agree with the reference, and to give the same bits every time.
 */
export async function expectIntact(create: () => Backend, picked: readonly Case[]): Promise<void> {
  const reference = createReferenceBackend();
  const together = create();
  const trials: (() => Promise<void>)[] = [];
  for (const { operation, seed: values, tolerance, name, spec } of picked) {
    const expected = await (await setUp(operation, reference, values)).run();
    const alone = await (await setUp(operation, create(), values)).run();
    for (const [result, numbers] of expected) {
      expectNear(alone.get(result)!, numbers, { tolerance, what: `${result} of ${name} ${JSON.stringify(spec)}` });
    }
    const trial = await setUp(operation, together, values);
    trials.push(async () => expect(await trial.run()).toEqual(alone));
  }
  for (let turn = 0; turn < 2; turn++) for (const trial of trials) await trial();
}

function expectNear(
  actual: Float32Array,
  expected: Float32Array,
  { tolerance, what }: { readonly tolerance: number; readonly what: string },
): void {
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  const at = expected.findIndex((value, index) => !(Math.abs(actual[index]! - value) <= tolerance * scale));
  if (at >= 0) throw new Error(`${what}: value ${at} is ${actual[at]}, not ${expected[at]}`);
}
