/*
 * How wide hot loops are emitted. Programs that have switched on V8's 256-bit re-vectorisation say so here; the library
 * itself never touches V8's flags.
 */
let vectors: 2 | 4 = 2;

/** Vectors that products take side by side. */
export function productWidth(): 2 | 4 {
  return vectors;
}

/** Sets {@link productWidth} for the backends made from now on. */
export function setProductWidth(width: 2 | 4): void {
  vectors = width;
}
