/*
 * How wide hot loops are emitted. Programs that have switched on V8's 256-bit re-vectorisation say so here; the library
 * itself never touches V8's flags.
 */
let vectors: 2 | 4 = 2;

/** The major of V8 that re-vectorises, but nothing that works on a shared memory: four vectors would only spill there. */
const UNSHARED_ONLY = 12;

/** Vectors that products take side by side, on a memory that threads share or on another. */
export function productWidth(shared: boolean): 2 | 4 {
  return shared && v8Major() === UNSHARED_ONLY ? 2 : vectors;
}

/** Sets {@link productWidth} for the backends made from now on. */
export function setProductWidth(width: 2 | 4): void {
  vectors = width;
}

/** Majors of V8 whose scheduler does not spill registers when loops are unrolled. */
const FIRST_V8 = 13;

/**
 * Steps of a product in one turn of its loop, for products so many vectors wide. Re-vectorised in V8 13, 4×16 values a step:
 * 81 GFLOP/s with one, 92 with four, 95 with eight. In V8 11 and 12 unrolling makes registers spill: 82 with one, 58 with
 * two. Results do not depend on it.
 */
export function productUnroll(width: number): number {
  return width === 4 && v8Major() >= FIRST_V8 ? 4 : 1;
}

/** 0 where this is not Node. */
function v8Major(): number {
  const { process } = globalThis as { process?: { versions?: { v8?: string } } };
  return Number.parseInt(process?.versions?.v8 ?? "0", 10);
}
