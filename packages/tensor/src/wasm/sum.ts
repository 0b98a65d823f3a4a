import type { Sum, SumSpec } from "../backend.js";
import { sumSizes } from "../specs.js";
import type { Tensor } from "../tensor.js";
import type { FunctionBuilder, Local } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";

/**
 * Tensors that one function adds: engines allow a function a thousand parameters. A power of two, so that an aligned block's
 * sum is a node of the tree.
 */
const BLOCK = 512;

/** sum in emitted WebAssembly: the whole tree at once for each vector, blocks of many tensors one after the other. */
export function sum(context: KernelContext, spec: SumSpec): Sum {
  const { size, count } = sumSizes(spec);
  const blocks = Array.from({ length: Math.ceil(count / BLOCK) }, (_, index) => {
    const from = index * BLOCK;
    return { from, add: addition(context, size, Math.min(BLOCK, count - from)) };
  });
  if (blocks.length === 1) return { forward: (inputs, output) => blocks[0]!.add(inputs, 0, output) };
  const nodes = blocks.map(() => context.memory.tensor([size], "float32"));
  const total = sum(context, { shape: [size], count: blocks.length });
  return {
    forward(inputs, output) {
      for (const [index, { from, add }] of blocks.entries()) add(inputs, from, nodes[index]!);
      return total.forward(nodes, output);
    },
  };
}

/** The sum of `count` of the inputs, from one on. */
type Addition = (inputs: readonly Tensor[], from: number, output: Tensor) => void;

function addition(context: KernelContext, size: number, count: number): Addition {
  const { forward } = context.instantiate(
    `sum ${size} ${count}`,
    () => new Map([["forward", emitSum(size, count)]] as const),
  );
  const addresses = new Array<number>(count + 1).fill(0);
  return (inputs, from, output) => {
    for (let k = 0; k < count; k++) addresses[k] = addressOf(inputs[from + k]!);
    addresses[count] = addressOf(output);
    forward(...addresses);
  };
}

/** Emits `forward(inputs …, output)`. */
function emitSum(size: number, count: number): FunctionBuilder {
  return emitElementwise({
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
  });
}
