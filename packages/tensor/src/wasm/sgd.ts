import type { Sgd, SgdSpec } from "../backend.js";
import { sgdSizes } from "../specs.js";
import { addressOf, type KernelContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";

/** The SGD update in emitted WebAssembly. */
export function sgd(context: KernelContext, spec: SgdSpec): Sgd {
  const { size, momentum, nesterov } = sgdSizes(spec);
  const { step } = context.instantiate(
    `sgd ${size} ${momentum} ${nesterov}`,
    () =>
      new Map([
        [
          "step",
          emitElementwise({
            size,
            pointers: 3,
            scalars: 3,
            prepare(f, scalars) {
              const [rate, decay, scale, slope, speed] = f.locals("v128", 5);
              [rate, decay, scale].forEach((vector, index) => {
                f.get(scalars[index]!).op("f32x4.splat").set(vector);
              });
              return [rate, decay, scale, slope, speed];
            },
            body(f, [parameter, gradient, velocity], offset, [rate, decay, scale, slope, speed]) {
              f.get(gradient!).memory("v128.load", offset).get(scale!).op("f32x4.mul");
              f.get(parameter!).memory("v128.load", offset).get(decay!).op("f32x4.mul", "f32x4.add").set(slope!);
              f.get(velocity!).memory("v128.load", offset).f32x4(momentum).op("f32x4.mul");
              f.get(slope!).op("f32x4.add").set(speed!);
              f.get(velocity!).get(speed!).memory("v128.store", offset);
              f.get(parameter!).get(parameter!).memory("v128.load", offset).get(rate!);
              if (nesterov) f.get(slope!).get(speed!).f32x4(momentum).op("f32x4.mul", "f32x4.add");
              else f.get(speed!);
              f.op("f32x4.mul", "f32x4.sub").memory("v128.store", offset);
            },
          }),
        ],
      ] as const),
  );
  return {
    step(parameter, gradient, velocity, { learningRate, weightDecay, gradientScale }) {
      step(addressOf(parameter), addressOf(gradient), addressOf(velocity), learningRate, weightDecay, gradientScale);
    },
  };
}
