import { createWasmBackend } from "@cifar/tensor";
import { createGpuBackend } from "@cifar/tensor/gpu";
import { describe, expect, it, vi } from "vitest";
import { openCompute } from "../src/compute.js";
import { trainAndClassify } from "./support/page.js";
import { lossesOf } from "./support/steps.js";
import { toyPictures } from "./support/toys.js";

describe("backend gpu without a GPU (gpu.js in software)", () => {
  it("trains and classifies when asked for by name", async () => {
    const result = await trainAndClassify({ backend: "gpu", threads: 1 });
    const { classes, labels } = toyPictures({ count: 30, seed: 7 });
    const right = result.labels.filter((label, n) => label === classes[labels[n]!]).length;
    expect(right).toBeGreaterThan(27);
  }, 60_000);

  it("makes twenty steps as backend wasm does", async () => {
    const gpu = await createGpuBackend();
    const losses = await lossesOf(gpu);
    gpu.close();
    const expected = await lossesOf(createWasmBackend());
    expect(losses).toHaveLength(20);
    // Different orders of addition in float32, over twenty steps.
    for (const [step, loss] of expected.entries()) expect(Math.abs(losses[step]! - loss)).toBeLessThan(1e-3);
  }, 60_000);

  it("is unavailable, with the reason, where it cannot be had", async () => {
    vi.doMock("@cifar/tensor/gpu", () => ({
      createGpuBackend: () => Promise.reject(new Error("backend gpu: needs the package gpu.js")),
    }));
    await expect(openCompute({ backend: "gpu" }, createWasmBackend)).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: "backend gpu: needs the package gpu.js",
    });
    vi.doUnmock("@cifar/tensor/gpu");
  });
});
