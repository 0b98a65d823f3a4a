import type { Relu, ReluSpec } from "../backend.js";
import { checkShape, sizeOf } from "../shape.js";
import type { FunctionBuilder } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";

/** relu in emitted WebAssembly. */
export function relu(context: KernelContext, { shape }: ReluSpec): Relu {
  checkShape("relu", shape);
  const size = sizeOf(shape);
  const functions = context.instantiate(
    `relu ${size}`,
    () =>
      new Map<"forward" | "backward", FunctionBuilder>([
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
      ]),
  );
  return {
    forward: (input, output) => functions.forward(addressOf(input), addressOf(output)),
    backward: (output, outputGradient, inputGradient) =>
      functions.backward(addressOf(output), addressOf(outputGradient), addressOf(inputGradient)),
  };
}
