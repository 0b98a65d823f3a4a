import { FunctionBuilder, type Local } from "./assembler.js";
import { VECTOR, vectorsFor } from "./vectors.js";

/** Vectors a turn of the loop: neighbours, so that V8 can join them, and few enough for the registers. */
const UNROLL = 4;

/**
 * Emits a function over whole tensors of `size` values: `pointers` first, then `scalars` as f32. The body is emitted for
 * each vector at a constant offset from the pointers. The last vector may reach into the slack behind a tensor.
 */
export function emitElementwise(options: {
  readonly size: number;
  readonly pointers: number;
  readonly scalars?: number;
  /** Before the loop: makes splats of the scalars, constants and temporaries. */
  readonly prepare?: (f: FunctionBuilder, scalars: readonly Local[]) => readonly Local[];
  readonly body: (f: FunctionBuilder, pointers: readonly Local[], offset: number, prepared: readonly Local[]) => void;
}): FunctionBuilder {
  const { size, pointers, scalars = 0, prepare = () => [], body } = options;
  const f = new FunctionBuilder([...Array<"i32">(pointers).fill("i32"), ...Array<"f32">(scalars).fill("f32")]);
  const addresses = f.parameters.slice(0, pointers);
  const counter = f.local("i32");
  const prepared = prepare(f, f.parameters.slice(pointers));
  const vectors = vectorsFor(size);
  const turns = Math.floor(vectors / UNROLL);
  if (turns > 0) {
    f.repeat(counter, turns, () => {
      for (let u = 0; u < UNROLL; u++) body(f, addresses, u * VECTOR, prepared);
      for (const address of addresses) f.increment(address, UNROLL * VECTOR);
    });
  }
  for (let u = 0; u < vectors % UNROLL; u++) body(f, addresses, u * VECTOR, prepared);
  return f;
}
