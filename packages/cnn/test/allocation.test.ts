import { Session } from "node:inspector/promises";
import { createWasmBackend } from "@cifar/tensor";
import { describe, expect, it } from "vitest";
import { fit } from "../src/fit.js";
import type { FitOptions } from "../src/fit-options.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

const OPTIONS: FitOptions = {
  epochs: 1,
  batchSize: 64,
  optimiser: { learningRate: 0.01 },
  augment: { flip: "alternating", shift: 1 },
  clipNorm: 5,
  averaging: { decay: 0.9 },
  normalisation: TOY_NORMALISATION,
  threads: 1,
};

/** Bytes that a sampled call tree has allocated, whether still alive or not. */
interface SampledNode {
  readonly selfSize: number;
  readonly children: readonly SampledNode[];
}
const allocated = (node: SampledNode): number =>
  node.children.reduce((sum, child) => sum + allocated(child), node.selfSize);

describe("memory", () => {
  it("is hardly asked for in a step: promises, the event and a few numbers, no arrays", async () => {
    const session = new Session();
    session.connect();
    const [from, to] = [100, 600];
    let bytes = Number.NaN;
    const train = toyPictures({ count: 64 * to });
    for await (const event of fit(toyNetwork(), { train }, { ...OPTIONS, backend: "wasm" })) {
      if (event.type !== "step") continue;
      if (event.step === from) {
        await session.post("HeapProfiler.startSampling", {
          samplingInterval: 512,
          includeObjectsCollectedByMajorGC: true,
          includeObjectsCollectedByMinorGC: true,
        });
      }
      if (event.step === to) {
        const { profile } = await session.post("HeapProfiler.stopSampling");
        bytes = allocated(profile.head) / (to - from);
      }
    }
    session.disconnect();
    // 5 kB measured; the pictures of one step alone are 49 kB.
    expect(bytes).toBeLessThan(10_000);
  });

  it("of the kernels does not grow with the number of epochs, even when dropout changes in each", async () => {
    const used: number[] = [];
    for (const epochs of [2, 40]) {
      const backend = createWasmBackend();
      const options = { ...OPTIONS, epochs, batchSize: 16, dropout: { start: 1, end: 3 }, backend };
      const data = { train: toyPictures({ count: 48 }), validation: toyPictures({ count: 20, seed: 1 }) };
      for await (const event of fit(toyNetwork(), data, options)) if (event.type === "epoch") await event.checkpoint();
      used.push(backend.bytesUsed);
      backend.close();
    }
    expect(used[1]).toBe(used[0]);
  });
});
