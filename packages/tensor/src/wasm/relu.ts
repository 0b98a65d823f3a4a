import type { Relu, ReluForward, ReluSpec } from "../backend.js";
import { checkShape, sizeOf } from "../shape.js";
import { addressOf, type KernelContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";

/** relu in emitted WebAssembly, without its gradient. */
export function reluForward(context: KernelContext, { shape }: ReluSpec): ReluForward {
  checkShape("relu", shape);
  const size = sizeOf(shape);
  const { forward } = context.instantiate(
    `relu forward ${size}`,
    () =>
      new Map([
        [
          "forward",
          emitElementwise({
            size,
            pointers: 2,
            prepare: (f) => [f.local("v128")],
            body(f, [input, output], offset, [value]) {
              // What is not at most 0 stays, NaN too: two machine instructions, the maximum would be eight.
              f.get(input!).memory("v128.load", offset).set(value!);
              f.get(output!).get(value!).get(value!).f32x4(0).op("f32x4.le", "v128.andnot");
              f.memory("v128.store", offset);
            },
          }),
        ],
      ] as const),
  );
  return { forward: (input, output) => forward(addressOf(input), addressOf(output)) };
}

/** relu in emitted WebAssembly. */
export function relu(context: KernelContext, spec: ReluSpec): Relu {
  const { forward } = reluForward(context, spec);
  const size = sizeOf(spec.shape);
  const { backward } = context.instantiate(
    `relu backward ${size}`,
    () =>
      new Map([
        [
          "backward",
          emitElementwise({
            size,
            pointers: 3,
            body(f, [output, outputGradient, inputGradient], offset) {
              f.get(inputGradient!).get(outputGradient!).memory("v128.load", offset);
              f.get(output!).memory("v128.load", offset).f32x4(0).op("f32x4.gt", "v128.and");
              f.memory("v128.store", offset);
            },
          }),
        ],
      ] as const),
  );
  return {
    forward,
    backward: (output, outputGradient, inputGradient) =>
      backward(addressOf(output), addressOf(outputGradient), addressOf(inputGradient)),
  };
}
