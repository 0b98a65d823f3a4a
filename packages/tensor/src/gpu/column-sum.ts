import type { GpuContext, Kernel } from "./context.js";
import { partsOf, quotient } from "./product.js";
import { GpuTensor } from "./tensor.js";

interface Matrix {
  readonly rows: number;
  readonly columns: number;
}

/** Sums of a matrix's columns ([rows, columns] to [columns]), in two steps so that many threads have something to do. */
export function columnSum(context: GpuContext, { rows, columns }: Matrix) {
  const parts = partsOf(rows, columns);
  const first = partialSums(context, { rows, columns }, parts);
  const last = partialSums(context, { rows: parts, columns }, 1);
  const partial = new GpuTensor(context, [parts, columns], "float32");
  return async (matrix: GpuTensor, sums: GpuTensor): Promise<void> => {
    await context.run(first, partial, matrix);
    await context.run(last, sums, partial);
  };
}

/** [rows, columns] to [parts, columns]. */
function partialSums(context: GpuContext, { rows, columns }: Matrix, parts: number): Kernel {
  const share = Math.ceil(rows / parts);
  return context.kernel({
    size: parts * columns,
    source: `function (matrix) {
      const part = ${quotient("this.thread.x", columns)};
      const column = this.thread.x - part * ${columns};
      let sum = 0.0;
      for (let r = 0; r < ${share}; r++) {
        const row = part * ${share} + r;
        if (row < ${rows}) sum += matrix[row * ${columns} + column];
      }
      return sum;
    }`,
  });
}
