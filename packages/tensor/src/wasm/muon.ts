import type { Muon, MuonSpec } from "../backend.js";
import { NEWTON_SCHULZ } from "../reference/muon.js";
import { muonSizes } from "../specs.js";
import { FunctionBuilder } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { emitCorrelate, emitFilterGradient } from "./direct.js";
import { emitElementwise } from "./elementwise.js";
import type { WebAssemblyMemory } from "./memory.js";
import { FLOAT, LANES, VECTOR, vectorsFor } from "./vectors.js";

/** Partial sums of the norm, so that no addition waits for the one before, and errors stay small. */
const NORM_SUMS = 8;

/**
 * Muon in emitted WebAssembly. Its matrix products are those of a 1×1 convolution over the rows of the matrix: X·U is its
 * forward pass, Xᵀ·X its filter gradient.
 */
export function muon(context: KernelContext, spec: MuonSpec): Muon {
  const sizes = muonSizes(spec);
  const { size, rows, columns, transposed, momentum, stretch } = sizes;
  const { memory, vectors } = context;
  const functions = context.instantiate(
    `muon ${JSON.stringify(sizes)}`,
    () =>
      new Map([
        ["accelerate", emitAccelerate(size, momentum)],
        ["normalise", emitNormalise(size)],
        ["gram", emitFilterGradient(productShape(rows, columns), vectors)],
        ["product", emitCorrelate(productShape(rows, columns), vectors)],
        ["square", emitCorrelate(productShape(columns, columns), vectors)],
        ["combine", emitCombine(columns)],
        ["apply", emitApply(size)],
      ] as const),
  );
  const matrixBytes = (vectorsFor(size) + LANES) * VECTOR;
  const squareBytes = (vectorsFor(columns * columns) + LANES) * VECTOR;
  memory.wantScratch(2 * matrixBytes + 3 * squareBytes);
  const noBias = memory.tensor([columns], "float32");
  // A matrix that is wider than tall is turned on its way in and out.
  const turned = transposed ? memory.tensor([size], "float32") : undefined;

  return {
    step(parameter, gradient, velocity, { learningRate, weightDecay, gradientScale }) {
      const { scratch } = memory;
      let matrix = scratch;
      let next = scratch + matrixBytes;
      const gram = scratch + 2 * matrixBytes;
      const square = gram + squareBytes;
      const update = square + squareBytes;
      functions.accelerate(addressOf(gradient), addressOf(velocity), matrix, gradientScale);
      if (turned) {
        transpose(floats(memory.memory, turned.address, size), floats(memory.memory, matrix, size), columns, rows);
        matrix = turned.address;
      }
      functions.normalise(matrix);
      for (let iteration = 0; iteration < NEWTON_SCHULZ.iterations; iteration++) {
        floats(memory.memory, gram, columns * columns).fill(0);
        functions.gram(matrix, matrix, gram);
        functions.square(gram, gram, noBias.address, square);
        functions.combine(gram, square, update);
        addIdentity(floats(memory.memory, update, columns * columns), columns);
        functions.product(matrix, update, noBias.address, next);
        [matrix, next] = [next, matrix];
      }
      if (turned) {
        transpose(floats(memory.memory, next, size), floats(memory.memory, matrix, size), rows, columns);
        matrix = next;
      }
      functions.apply(addressOf(parameter), matrix, 1 - learningRate * weightDecay, learningRate * stretch);
    },
  };
}

/** A matrix of so many rows times a square one, as a 1×1 convolution. */
function productShape(rows: number, columns: number) {
  return {
    planeWidth: rows,
    channels: columns,
    kernel: 1,
    stride: 1,
    outputHeight: 1,
    outputWidth: rows,
    filters: columns,
    relu: false,
  };
}

function floats(memory: WebAssemblyMemory, address: number, size: number): Float32Array {
  return new Float32Array(memory.buffer, address, size);
}

/** target [columns, rows] ← source [rows, columns] transposed. */
function transpose(target: Float32Array, source: Float32Array, rows: number, columns: number): void {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[c * rows + r] = source[r * columns + c]!;
  }
}

function addIdentity(matrix: Float32Array, columns: number): void {
  for (let i = 0; i < columns; i++) matrix[i * columns + i]! += NEWTON_SCHULZ.linear;
}

/** Emits `accelerate(gradient, velocity, direction, scale)`. */
function emitAccelerate(size: number, momentum: number): FunctionBuilder {
  return emitElementwise({
    size,
    pointers: 3,
    scalars: 1,
    prepare(f, [scale]) {
      const [scaling, inertia, slope, speed] = f.locals("v128", 4);
      f.get(scale!).op("f32x4.splat").set(scaling).f32x4(momentum).set(inertia);
      return [scaling, inertia, slope, speed];
    },
    body(f, [gradient, velocity, direction], offset, [scaling, inertia, slope, speed]) {
      f.get(gradient!).memory("v128.load", offset).get(scaling!).op("f32x4.mul").set(slope!);
      f.get(velocity!).memory("v128.load", offset).get(inertia!).op("f32x4.mul").get(slope!);
      f.op("f32x4.add").set(speed!);
      f.get(velocity!).get(speed!).memory("v128.store", offset);
      f.get(direction!).get(speed!).get(inertia!).op("f32x4.mul").get(slope!).op("f32x4.add");
      f.memory("v128.store", offset);
    },
  });
}

/** Emits `combine(gram, square, update)`: update ← b·gram + c·square. */
function emitCombine(columns: number): FunctionBuilder {
  return emitElementwise({
    size: columns * columns,
    pointers: 3,
    body(f, [gram, square, update], offset) {
      f.get(update!).get(gram!).memory("v128.load", offset).f32x4(NEWTON_SCHULZ.cubic).op("f32x4.mul");
      f.get(square!).memory("v128.load", offset).f32x4(NEWTON_SCHULZ.quintic).op("f32x4.mul", "f32x4.add");
      f.memory("v128.store", offset);
    },
  });
}

/** Emits `apply(parameter, direction, keep, rate)`: parameter ← keep·parameter − rate·direction. */
function emitApply(size: number): FunctionBuilder {
  return emitElementwise({
    size,
    pointers: 2,
    scalars: 2,
    prepare(f, [keep, rate]) {
      const [keeping, moving] = f.locals("v128", 2);
      f.get(keep!).op("f32x4.splat").set(keeping).get(rate!).op("f32x4.splat").set(moving);
      return [keeping, moving];
    },
    body(f, [parameter, direction], offset, [keeping, moving]) {
      f.get(parameter!).get(parameter!).memory("v128.load", offset).get(keeping!).op("f32x4.mul");
      f.get(direction!).memory("v128.load", offset).get(moving!).op("f32x4.mul", "f32x4.sub");
      f.memory("v128.store", offset);
    },
  });
}

/** Emits `normalise(matrix)`: divides by the Frobenius norm. */
function emitNormalise(size: number): FunctionBuilder {
  const f = new FunctionBuilder(["i32"]);
  const [matrix] = f.parameters;
  const [counter, address, scalars] = f.locals("i32", 3);
  const sums = f.locals("v128", NORM_SUMS);
  const value = f.local("v128");
  const norm = f.local("f32");
  const whole = Math.floor(size / LANES);
  f.get(matrix).set(address);
  const addSquare = (index: number) => {
    f.get(address)
      .memory("v128.load", index * VECTOR)
      .set(value);
    f.get(sums[index]!).get(value).get(value).op("f32x4.mul", "f32x4.add").set(sums[index]!);
  };
  const turns = Math.floor(whole / NORM_SUMS);
  if (turns > 0) {
    f.repeat(counter, turns, () => {
      for (let index = 0; index < NORM_SUMS; index++) addSquare(index);
      f.increment(address, NORM_SUMS * VECTOR);
    });
  }
  for (let index = 0; index < whole % NORM_SUMS; index++) addSquare(index);
  f.get(sums[0]!);
  for (const sum of sums.slice(1)) f.get(sum).op("f32x4.add");
  f.set(value).get(value).extractLane(0);
  for (let lane = 1; lane < LANES; lane++) f.get(value).extractLane(lane).op("f32.add");
  f.get(matrix)
    .i32(whole * VECTOR)
    .op("i32.add")
    .set(scalars);
  for (let rest = 0; rest < size % LANES; rest++) {
    f.get(scalars).memory("f32.load", rest * FLOAT);
    f.get(scalars)
      .memory("f32.load", rest * FLOAT)
      .op("f32.mul", "f32.add");
  }
  f.op("f32.sqrt").f32(NEWTON_SCHULZ.smallest).op("f32.add").set(norm);
  f.get(norm).op("f32x4.splat").set(value);
  f.get(matrix).set(address);
  f.repeat(counter, vectorsFor(size), () => {
    f.get(address).get(address).memory("v128.load").get(value).op("f32x4.div").memory("v128.store");
    f.increment(address, VECTOR);
  });
  return f;
}
