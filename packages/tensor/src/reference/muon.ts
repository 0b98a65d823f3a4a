import type { Muon, MuonSpec } from "../backend.js";
import { type MuonSizes, muonSizes } from "../specs.js";

/**
 * The odd polynomial whose iteration drives singular values towards 1: a·x + b·x³ + c·x⁵, as steep at 0 as can be without
 * leaving [0.7, 1.2] (Jordan et al., 2024). Exact orthogonality is not needed.
 */
export const NEWTON_SCHULZ = { linear: 3.4445, cubic: -4.775, quintic: 2.0315, iterations: 5, smallest: 1e-7 } as const;

/** Muon's update: see {@link Muon}. */
export function muon(spec: MuonSpec): Muon {
  const sizes = muonSizes(spec);
  const { size, momentum, stretch } = sizes;
  const direction = new Float64Array(size);
  return {
    step({ data: parameter }, { data: gradient }, { data: velocity }, { learningRate, weightDecay, gradientScale }) {
      for (let i = 0; i < size; i++) {
        const slope = gradient[i]! * gradientScale;
        const speed = momentum * velocity[i]! + slope;
        velocity[i] = speed;
        direction[tallIndex(sizes, i)] = slope + momentum * speed;
      }
      orthogonalise(direction, sizes);
      const keep = 1 - learningRate * weightDecay;
      for (let i = 0; i < size; i++) {
        parameter[i] = keep * parameter[i]! - learningRate * stretch * direction[tallIndex(sizes, i)]!;
      }
    },
  };
}

/** Where value i of the parameter stands in the tall matrix. */
function tallIndex({ rows, columns, transposed }: MuonSizes, i: number): number {
  return transposed ? (i % rows) * columns + Math.floor(i / rows) : i;
}

/** X ← a·X + X (b·A + c·A²) with A = Xᵀ X, five times, from X divided by its Frobenius norm. */
function orthogonalise(matrix: Float64Array, { rows, columns }: MuonSizes): void {
  let norm = 0;
  for (const value of matrix) norm += value * value;
  norm = Math.sqrt(norm) + NEWTON_SCHULZ.smallest;
  for (let i = 0; i < matrix.length; i++) matrix[i]! /= norm;
  const gram = new Float64Array(columns * columns);
  const update = new Float64Array(columns * columns);
  const row = new Float64Array(columns);
  for (let iteration = 0; iteration < NEWTON_SCHULZ.iterations; iteration++) {
    gram.fill(0);
    for (let r = 0; r < rows * columns; r += columns) {
      for (let i = 0; i < columns; i++) {
        for (let j = 0; j < columns; j++) gram[i * columns + j]! += matrix[r + i]! * matrix[r + j]!;
      }
    }
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        let square = 0;
        for (let k = 0; k < columns; k++) square += gram[i * columns + k]! * gram[k * columns + j]!;
        update[i * columns + j] = NEWTON_SCHULZ.cubic * gram[i * columns + j]! + NEWTON_SCHULZ.quintic * square;
      }
      update[i * columns + i]! += NEWTON_SCHULZ.linear;
    }
    for (let r = 0; r < rows * columns; r += columns) {
      row.fill(0);
      for (let k = 0; k < columns; k++) {
        const value = matrix[r + k]!;
        for (let j = 0; j < columns; j++) row[j]! += value * update[k * columns + j]!;
      }
      matrix.set(row, r);
    }
  }
}
