import type { Sum, SumSpec } from "../backend.js";
import { sumSizes } from "../specs.js";
import type { Local } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";

/** sum in emitted WebAssembly: the whole tree at once for each vector. */
export function sum(context: KernelContext, spec: SumSpec): Sum {
  const { size, count } = sumSizes(spec);
  const { forward } = context.instantiate(
    `sum ${size} ${count}`,
    () =>
      new Map([
        [
          "forward",
          emitElementwise({
            size,
            pointers: count + 1,
            prepare: (f) => f.locals("v128", count),
            body(f, pointers, offset, level) {
              const output = pointers[count]!;
              level.forEach((value, k) => {
                f.get(pointers[k]!).memory("v128.load", offset).set(value);
              });
              let row: readonly Local[] = level;
              while (row.length > 1) {
                const next: Local[] = [];
                for (let k = 0; k < row.length; k += 2) {
                  const [left, right] = [row[k]!, row[k + 1]];
                  if (right !== undefined) f.get(left).get(right).op("f32x4.add").set(left);
                  next.push(left);
                }
                row = next;
              }
              f.get(output).get(level[0]!).memory("v128.store", offset);
            },
          }),
        ],
      ] as const),
  );
  const addresses = new Array<number>(count + 1).fill(0);
  return {
    forward(inputs, output) {
      inputs.forEach((input, index) => {
        addresses[index] = addressOf(input);
      });
      addresses[count] = addressOf(output);
      forward(...addresses);
    },
  };
}
