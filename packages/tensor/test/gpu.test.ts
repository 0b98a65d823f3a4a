import { describe, expect, it, vi } from "vitest";
import { createGpuBackend } from "../src/gpu/index.js";
import { compareWithReference } from "./support/agreement.js";
import { missedNotFinite } from "./support/cross-entropy.js";

/**
 * Sums in float32 where the reference adds in float64: up to 2e-6 of the largest value for these small shapes, and Muon's
 * steep iteration stretches small singular values, and with them their rounding, 3.4-fold five times.
 */
const TOLERANCE = 1e-5;
const MUON_TOLERANCE = 2e-3;

describe.each(["webasm", "cpu"] as const)("backend gpu in gpu.js's software mode %s", (mode) => {
  it.each([1, 2, 3, 4, 5, 6])(
    "computes what the reference does, shapes %i",
    async (seed) => {
      const backend = await createGpuBackend({ mode });
      for (const { what, error } of await compareWithReference(backend, seed)) {
        expect(error, what).toBeLessThanOrEqual(what.startsWith("muon") ? MUON_TOLERANCE : TOLERANCE);
      }
      backend.close();
    },
    30_000,
  );

  it("gives what PyTorch gives where logits are infinite or NaN", async () => {
    const backend = await createGpuBackend({ mode });
    expect(await missedNotFinite(backend)).toEqual([]);
    backend.close();
  });

  it("keeps NaN and what it was given, and refuses to show values that are elsewhere", async () => {
    const backend = await createGpuBackend({ mode });
    const tensor = backend.tensor([3]);
    const given = Float32Array.of(Number.NaN, -1, 2);
    await backend.write(tensor, given);
    given.fill(9);
    await backend.relu({ shape: [3] }).forward(tensor, tensor);
    expect([...(await backend.read(tensor))]).toEqual([Number.NaN, 0, 2]);
    expect(() => tensor.data).toThrow("the values are on the GPU");
    backend.close();
  });
});

describe("backend gpu", () => {
  it("says that it computes in software in Node without a GPU", async () => {
    const backend = await createGpuBackend();
    expect(backend.description).toBe("gpu (gpu.js in software: its WebAssembly mode)");
    backend.close();
  });

  it("says which mode does not run here", async () => {
    await expect(createGpuBackend({ mode: "webgl2" })).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: "backend gpu: mode webgl2 does not run here",
    });
  });

  it("says in one line what to install where gpu.js is missing", async () => {
    vi.doMock("gpu.js", () => {
      throw new Error("Cannot find package 'gpu.js'");
    });
    await expect(createGpuBackend()).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: "backend gpu: needs the package gpu.js; install it by `npm install gpu.js`",
    });
    vi.doUnmock("gpu.js");
  });
});
