import { type Backend, RandomStream, type Shape, sizeOf, type Tensor } from "@cifar/tensor";
import type { Bench, Operation } from "./operations.js";

/** An operation set up on a backend with the random numbers of a seed. */
export interface Trial {
  /** Calls the operation on the values that it was set up with and returns what it computes, by name. */
  run(): Promise<ReadonlyMap<string, Float32Array>>;
}

/** Sets an operation up; the same seed gives the same values on every backend. */
export async function setUp(operation: Operation, backend: Backend, seed: number): Promise<Trial> {
  const random = new RandomStream({ seed, stream: 0 });
  const resets: (() => Promise<void> | void)[] = [];
  const keep = async (reset: () => Promise<void> | void) => {
    resets.push(reset);
    await reset();
  };
  const holding = async (shape: Shape, values: Float32Array) => {
    const target = backend.tensor(shape);
    await keep(() => backend.write(target, values));
    return target;
  };
  const bench: Bench = {
    backend,
    given: (shape, change = (value) => value) =>
      holding(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => change(random.nextNormal())),
      ),
    async labels(values) {
      const target = backend.tensor([values.length], "int32");
      await keep(() => backend.write(target, Int32Array.from(values)));
      return target;
    },
    async results(shapes) {
      const targets: Record<string, Tensor> = {};
      for (const [name, shape] of Object.entries<Shape>(shapes)) {
        targets[name] = await holding(shape, new Float32Array(sizeOf(shape)).fill(Number.NaN));
      }
      return targets as never;
    },
  };
  const { results, call } = await operation(bench);
  return {
    async run() {
      for (const reset of resets) await reset();
      await call();
      const values = new Map<string, Float32Array>();
      for (const [name, tensor] of Object.entries(results)) values.set(name, await backend.read(tensor as Tensor));
      return values;
    },
  };
}

/** Largest difference, relative to the largest expected value; Infinity where only one of them is a number. */
export function distance(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let difference = 0;
  for (const [i, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value));
    const here = Math.abs(actual[i]! - value);
    // NaN compares with nothing: it must not pass unseen.
    if (!(here <= difference)) difference = here;
  }
  return difference === 0 ? 0 : difference / largest;
}
