import type { Sum, SumSpec } from "../backend.js";
import { sumSizes } from "../specs.js";
import type { GpuContext } from "./context.js";
import { GpuTensor, onGpu } from "./tensor.js";

/** Pairs are added on the GPU, level by level; an odd one at the end goes up as it is. */
export function sum(context: GpuContext, spec: SumSpec): Sum {
  const { size, count } = sumSizes(spec);
  const add = context.kernel({
    size,
    source: "function (a, b) { return a[this.thread.x] + b[this.thread.x]; }",
  });
  const copy = context.kernel({ size, source: "function (a) { return a[this.thread.x]; }" });
  // A sum is kept until its level is done, so each pair of the first level has a place; higher levels reuse them.
  const places = Array.from({ length: count >> 1 }, () => new GpuTensor(context, [size], "float32"));
  return {
    async forward(inputs, output) {
      if (count === 1) return context.run(copy, onGpu(output), onGpu(inputs[0]!));
      let level: GpuTensor[] = inputs.map(onGpu);
      while (level.length > 2) {
        const next: GpuTensor[] = [];
        for (let k = 0; k + 1 < level.length; k += 2) {
          const place = places[k >> 1]!;
          await context.run(add, place, level[k]!, level[k + 1]!);
          next.push(place);
        }
        if (level.length % 2 === 1) next.push(level.at(-1)!);
        level = next;
      }
      await context.run(add, onGpu(output), level[0]!, level[1]!);
      for (const place of places) place.release();
    },
  };
}
