/** Coefficients of a block. */
const COEFFICIENTS = 64;

/**
 * Memory of more than 32 MB is given back to the system as soon as it is free. Of less, glibc keeps twice as much as was
 * ever freed at once for later, in each thread. What is not written to takes no memory.
 */
const LEAST_BYTES = 2 ** 25 + 1;

/**
 * Does synchronous work that makes very many arrays of 64 coefficients, as jpeg-js does: one for each block. Each would
 * take 752 bytes of memory and a call of the system's allocator, where its coefficients take 256; here they are parts of
 * one piece of memory. While the work is done `Int32Array` stands for that, which is why it may not be asynchronous.
 * @param count how many of them; more than that are made as ever
 */
export function withBlocks<T>(count: number, work: () => T): T {
  const Real = Int32Array;
  const memory = new ArrayBuffer(Math.max(LEAST_BYTES, count * COEFFICIENTS * Real.BYTES_PER_ELEMENT));
  let taken = 0;
  function Part(size: number): Int32Array {
    if (size !== COEFFICIENTS || taken === count) return new Real(size);
    return new Real(memory, COEFFICIENTS * Real.BYTES_PER_ELEMENT * taken++, COEFFICIENTS);
  }
  const scope = globalThis as unknown as { Int32Array: unknown };
  scope.Int32Array = Part;
  try {
    return work();
  } finally {
    scope.Int32Array = Real;
  }
}
