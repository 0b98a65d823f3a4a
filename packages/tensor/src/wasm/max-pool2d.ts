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

/** Byte offsets of a window's positions from its first corner, row by row. */
function windowOffsets({ size, width, channels }: MaxPool2dSizes): readonly number[] {
  return Array.from({ length: size * size }, (_, p) => (Math.floor(p / size) * width + (p % size)) * channels * FLOAT);
}

function emitForward(sizes: MaxPool2dSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32"]);
  const [input, output] = f.parameters;
  const [largest, value] = f.locals("v128", 2);
  emitWalk(f, sizes, { inputs: [input], outputs: [output] }, (count) => {
    windowOffsets(sizes).forEach((offset, index) => {
      f.get(input).memory("v128.load", offset);
      if (index === 0) f.set(largest);
      else {
        // A pseudo-maximum is its first operand where either is NaN, so that both ways of taking it together keep every
        // NaN: three machine instructions, the maximum would be eight. Of 0 and −0 they make −0.
        f.set(value).get(largest).get(value).op("f32x4.pmax");
        f.get(value).get(largest).op("f32x4.pmax", "v128.or").set(largest);
      }
    });
    storeVectors(f, { address: output, offset: 0, values: [largest], count });
  });
  return f;
}

function emitBackward(sizes: MaxPool2dSizes): FunctionBuilder {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32"]);
  const [input, output, outputGradient, inputGradient] = f.parameters;
  const [largest, gradient, open, hit, value] = f.locals("v128", 5);
  const pointers = { inputs: [input, inputGradient], outputs: [output, outputGradient] };
  emitWalk(f, sizes, pointers, (count) => {
    f.get(output).memory("v128.load").set(largest);
    f.get(outputGradient).memory("v128.load").set(gradient);
    f.i32x4(-1).set(open);
    for (const offset of windowOffsets(sizes)) {
      // Where the maximum stands for the first time; from then on the lane is closed.
      f.get(input).memory("v128.load", offset).get(largest).op("f32x4.eq").get(open).op("v128.and").set(hit);
      f.get(open).get(hit).op("v128.andnot").set(open);
      f.get(gradient).get(hit).op("v128.and");
      if (overlaps(sizes)) f.get(inputGradient).memory("v128.load", offset).op("f32x4.add");
      f.set(value);
      storeVectors(f, { address: inputGradient, offset, values: [value], count });
    }
  });
  return f;
}
