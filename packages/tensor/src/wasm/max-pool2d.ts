import type { MaxPool2d, MaxPool2dForward, MaxPool2dSpec } from "../backend.js";
import { type MaxPool2dSizes, maxPool2dSizes } from "../specs.js";
import { FunctionBuilder, type Local } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { channelBlocks, FLOAT, storeVectors } from "./vectors.js";

/** maxPool2d in emitted WebAssembly, a vector of channels at a time, without its gradient. */
export function maxPool2dForward(context: KernelContext, spec: MaxPool2dSpec): MaxPool2dForward {
  const sizes = maxPool2dSizes(spec);
  const { forward } = context.instantiate(
    `maxPool2d forward ${JSON.stringify(sizes)}`,
    () => new Map([["forward", emitForward(sizes)]] as const),
  );
  return {
    outputShape: sizes.outputShape,
    forward: (input, output) => forward(addressOf(input), addressOf(output)),
  };
}

/** maxPool2d in emitted WebAssembly. */
export function maxPool2d(context: KernelContext, spec: MaxPool2dSpec): MaxPool2d {
  const sizes = maxPool2dSizes(spec);
  const { backward } = context.instantiate(
    `maxPool2d backward ${JSON.stringify(sizes)}`,
    () => new Map([["backward", emitBackward(sizes)]] as const),
  );
  return {
    ...maxPool2dForward(context, spec),
    backward(input, output, outputGradient, inputGradient) {
      if (!coversInput(sizes) || overlaps(sizes)) inputGradient.data.fill(0);
      backward(addressOf(input), addressOf(output), addressOf(outputGradient), addressOf(inputGradient));
    },
  };
}

/** True if every input value lies in a window. */
function coversInput({ height, width, size, stride, outputHeight, outputWidth }: MaxPool2dSizes): boolean {
  return stride <= size && (outputHeight - 1) * stride + size === height && (outputWidth - 1) * stride + size === width;
}

/** True if an input value may lie in several windows. */
function overlaps({ size, stride }: MaxPool2dSizes): boolean {
  return stride < size;
}

/** Emits loops over all outputs; `inputs` move with the windows, `outputs` with their values. */
function emitWalk(
  f: FunctionBuilder,
  sizes: MaxPool2dSizes,
  pointers: { readonly inputs: readonly Local[]; readonly outputs: readonly Local[] },
  emit: (channels: number) => void,
): void {
  const { batch, height, width, channels, stride, outputHeight, outputWidth } = sizes;
  const [pictures, rows, columns, vectors] = f.locals("i32", 4);
  const advance = (locals: readonly Local[], bytes: number) => {
    for (const local of locals) f.increment(local, bytes);
  };
  const pixelBytes = channels * FLOAT;
  f.repeat(pictures, batch, () => {
    f.repeat(rows, outputHeight, () => {
      f.repeat(columns, outputWidth, () => {
        for (const block of channelBlocks(channels, 1)) {
          f.repeat(vectors, block.count, () => {
            emit(block.channels);
            advance([...pointers.inputs, ...pointers.outputs], block.channels * FLOAT);
          });
        }
        advance(pointers.inputs, (stride - 1) * pixelBytes);
      });
      advance(pointers.inputs, (stride * width - stride * outputWidth) * pixelBytes);
    });
    advance(pointers.inputs, (height - stride * outputHeight) * width * pixelBytes);
  });
}

/** Positions that are emitted one by one at most, an 8×8 window: with its size the code would grow without end. */
const UNROLLED = 64;

/** True if each position of a window has code of its own. */
function isUnrolled({ size }: MaxPool2dSizes): boolean {
  return size * size <= UNROLLED;
}

/**
 * Emits `visit` for a window's positions, row by row. They are at constant offsets from the first corner, to which `inputs`
 * point; in loops, `inputs` move from one to the next instead and return at the end.
 */
function emitWindow(
  f: FunctionBuilder,
  sizes: MaxPool2dSizes,
  { inputs, rows, columns }: { readonly inputs: readonly Local[]; readonly rows: Local; readonly columns: Local },
  visit: (offset: number) => void,
): void {
  const { size, width, channels } = sizes;
  const pixelBytes = channels * FLOAT;
  if (isUnrolled(sizes)) {
    for (let p = 0; p < size * size; p++) visit((Math.floor(p / size) * width + (p % size)) * pixelBytes);
    return;
  }
  const advance = (pixels: number) => {
    for (const local of inputs) f.increment(local, pixels * pixelBytes);
  };
  f.repeat(rows, size, () => {
    f.repeat(columns, size, () => {
      visit(0);
      advance(1);
    });
    advance(width - size);
  });
  advance(-size * width);
}

function emitForward(sizes: MaxPool2dSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [input, output] = f.parameters;
  const [largest, value] = f.locals("v128", 2);
  const [rows, columns] = f.locals("i32", 2);
  emitWalk(f, sizes, { inputs: [input], outputs: [output] }, (count) => {
    f.get(input).memory("v128.load").set(largest);
    emitWindow(f, sizes, { inputs: [input], rows, columns }, (offset) => {
      // The first position is the largest so far; a loop takes it twice, which changes nothing.
      if (offset === 0 && isUnrolled(sizes)) return;
      // A pseudo-maximum is its first operand where either is NaN, so that both ways of taking it together keep every
      // NaN: three machine instructions, the maximum would be eight. Of 0 and −0 they make −0.
      f.get(input).memory("v128.load", offset).set(value);
      f.get(largest).get(value).op("f32x4.pmax");
      f.get(value).get(largest).op("f32x4.pmax", "v128.or").set(largest);
    });
    storeVectors(f, { address: output, offset: 0, values: [largest], count });
  });
  return f;
}

function emitBackward(sizes: MaxPool2dSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32"]);
  const [input, output, outputGradient, inputGradient] = f.parameters;
  const [largest, gradient, open, hit, value] = f.locals("v128", 5);
  const [rows, columns] = f.locals("i32", 2);
  const pointers = { inputs: [input, inputGradient], outputs: [output, outputGradient] };
  emitWalk(f, sizes, pointers, (count) => {
    f.get(output).memory("v128.load").set(largest);
    f.get(outputGradient).memory("v128.load").set(gradient);
    f.i32x4(-1).set(open);
    emitWindow(f, sizes, { inputs: pointers.inputs, rows, columns }, (offset) => {
      // Where the maximum stands for the first time; from then on the lane is closed.
      f.get(input).memory("v128.load", offset).get(largest).op("f32x4.eq").get(open).op("v128.and").set(hit);
      f.get(open).get(hit).op("v128.andnot").set(open);
      f.get(gradient).get(hit).op("v128.and");
      if (overlaps(sizes)) f.get(inputGradient).memory("v128.load", offset).op("f32x4.add");
      f.set(value);
      storeVectors(f, { address: inputGradient, offset, values: [value], count });
    });
  });
  return f;
}
