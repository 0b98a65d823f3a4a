import type { Muon, MuonSpec } from "../backend.js";
import { NEWTON_SCHULZ } from "../reference/muon.js";
import { muonSizes } from "../specs.js";
import { columnSum } from "./column-sum.js";
import type { GpuContext } from "./context.js";
import { quotient } from "./product.js";
import { GpuTensor, onGpu } from "./tensor.js";

/** Muon's update: see {@link Muon}. The matrix stays tall, so that the product XᵀX is the small one. */
export function muon(context: GpuContext, spec: MuonSpec): Muon {
  const { size, rows, columns, transposed, momentum, stretch } = muonSizes(spec);
  const { linear, cubic, quintic, iterations, smallest } = NEWTON_SCHULZ;
  const factor = momentum.toFixed(9);
  const speed = context.kernel({
    size,
    source: `function (gradient, velocity, gradientScale) {
      return ${factor} * velocity[this.thread.x] + gradient[this.thread.x] * gradientScale;
    }`,
  });
  // Value r · columns + c of the tall matrix stands at c · rows + r of a parameter that is wider than tall.
  const direct = context.kernel({
    size,
    source: `function (gradient, velocity, gradientScale) {
      const r = ${quotient("this.thread.x", columns)};
      const c = this.thread.x - r * ${columns};
      const at = ${transposed ? `c * ${rows} + r` : "this.thread.x"};
      return gradient[at] * gradientScale + ${factor} * velocity[at];
    }`,
  });
  const square = context.kernel({
    size,
    source: "function (matrix) { return matrix[this.thread.x] * matrix[this.thread.x]; }",
  });
  const total = columnSum(context, { rows: size, columns: 1 });
  const normalise = context.kernel({
    size,
    source: `function (matrix, squares) { return matrix[this.thread.x] / (Math.sqrt(squares[0]) + ${smallest.toFixed(9)}); }`,
  });
  const gramOf = context.kernel({
    size: columns * columns,
    source: `function (matrix) {
      const i = ${quotient("this.thread.x", columns)};
      const j = this.thread.x - i * ${columns};
      let sum = 0.0;
      for (let r = 0; r < ${rows}; r++) sum += matrix[r * ${columns} + i] * matrix[r * ${columns} + j];
      return sum;
    }`,
  });
  const updateOf = context.kernel({
    size: columns * columns,
    source: `function (gram) {
      const i = ${quotient("this.thread.x", columns)};
      const j = this.thread.x - i * ${columns};
      let square = 0.0;
      for (let k = 0; k < ${columns}; k++) square += gram[i * ${columns} + k] * gram[k * ${columns} + j];
      let update = ${quintic} * square - ${-cubic} * gram[this.thread.x];
      if (i === j) update += ${linear};
      return update;
    }`,
  });
  const apply = context.kernel({
    size,
    source: `function (matrix, update) {
      const r = ${quotient("this.thread.x", columns)};
      const c = this.thread.x - r * ${columns};
      let sum = 0.0;
      for (let k = 0; k < ${columns}; k++) sum += matrix[r * ${columns} + k] * update[k * ${columns} + c];
      return sum;
    }`,
  });
  const move = context.kernel({
    size,
    source: `function (parameter, matrix, keep, rate) {
      const filter = ${quotient("this.thread.x", transposed ? rows : columns)};
      const at = ${transposed ? `(this.thread.x - filter * ${rows}) * ${columns} + filter` : "this.thread.x"};
      return keep * parameter[this.thread.x] - rate * matrix[at];
    }`,
  });
  const matrix = new GpuTensor(context, [rows, columns], "float32");
  const squares = new GpuTensor(context, [size], "float32");
  const norm = new GpuTensor(context, [1], "float32");
  const gram = new GpuTensor(context, [columns, columns], "float32");
  const update = new GpuTensor(context, [columns, columns], "float32");
  return {
    async step(parameter, gradient, velocity, { learningRate, weightDecay, gradientScale }) {
      const [p, g, v] = [onGpu(parameter), onGpu(gradient), onGpu(velocity)];
      await context.run(speed, v, g, v, gradientScale);
      await context.run(direct, matrix, g, v, gradientScale);
      await context.run(square, squares, matrix);
      await total(squares, norm);
      await context.run(normalise, matrix, matrix, norm);
      for (let iteration = 0; iteration < iterations; iteration++) {
        await context.run(gramOf, gram, matrix);
        await context.run(updateOf, update, gram);
        await context.run(apply, matrix, matrix, update);
      }
      await context.run(move, p, p, matrix, 1 - learningRate * weightDecay, learningRate * stretch);
    },
  };
}
