/** Eigenvalues of a symmetric matrix, the largest first, each with its eigenvector of length 1. */
export interface EigenSystem {
  readonly values: Float64Array;
  /** Row k belongs to `values[k]`: [size, size]. */
  readonly vectors: Float64Array;
}

/** A cyclic Jacobi method converges quadratically: a dozen sweeps are plenty for any matrix met here. */
const MAX_SWEEPS = 60;

/**
 * Eigenvectors by Jacobi's rotations (Golub, Van Loan: Matrix Computations, 8.5). Only additions, multiplications,
 * divisions and square roots in a fixed order, so the result is the same everywhere. The sign of each vector is chosen so
 * that its largest component is positive.
 * @param matrix [size, size], symmetric, row-major
 */
export function eigenSymmetric(matrix: Float64Array, size: number): EigenSystem {
  const a = matrix.slice();
  const v = new Float64Array(size * size);
  for (let k = 0; k < size; k++) v[k * size + k] = 1;
  const scale = a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (let sweep = 0; sweep < MAX_SWEEPS && offDiagonal(a, size) > scale * 1e-15; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) rotate(a, v, { size, p, q });
    }
  }
  const order = Array.from({ length: size }, (_, k) => k).sort((i, j) => a[j * size + j]! - a[i * size + i]! || i - j);
  const vectors = new Float64Array(size * size);
  for (const [row, k] of order.entries()) {
    let largest = 0;
    for (let i = 0; i < size; i++) {
      const component = v[i * size + k]!;
      if (Math.abs(component) > Math.abs(largest)) largest = component;
    }
    const sign = largest < 0 ? -1 : 1;
    for (let i = 0; i < size; i++) vectors[row * size + i] = sign * v[i * size + k]!;
  }
  return { values: Float64Array.from(order, (k) => a[k * size + k]!), vectors };
}

function offDiagonal(a: Float64Array, size: number): number {
  let largest = 0;
  for (let p = 0; p < size; p++) {
    for (let q = p + 1; q < size; q++) largest = Math.max(largest, Math.abs(a[p * size + q]!));
  }
  return largest;
}

/** Turns the plane of p and q so that a[p][q] becomes 0; columns of v gather the turns. */
function rotate(a: Float64Array, v: Float64Array, { size, p, q }: { size: number; p: number; q: number }): void {
  const apq = a[p * size + q]!;
  if (apq === 0) return;
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    const akp = a[k * size + p]!;
    const akq = a[k * size + q]!;
    a[k * size + p] = c * akp - s * akq;
    a[k * size + q] = s * akp + c * akq;
    const vkp = v[k * size + p]!;
    const vkq = v[k * size + q]!;
    v[k * size + p] = c * vkp - s * vkq;
    v[k * size + q] = s * vkp + c * vkq;
  }
  for (let k = 0; k < size; k++) {
    const apk = a[p * size + k]!;
    const aqk = a[q * size + k]!;
    a[p * size + k] = c * apk - s * aqk;
    a[q * size + k] = s * apk + c * aqk;
  }
}
