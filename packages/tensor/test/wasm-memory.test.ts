import { afterEach, describe, expect, it, vi } from "vitest";
import { createWasmBackend, TensorError } from "../src/index.js";
import { WasmMemory } from "../src/wasm/memory.js";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the memory", () => {
  it.each([true, false])("keeps its tensors when it grows (shared %s)", (shared) => {
    const memory = new WasmMemory({ shared });
    const small = memory.tensor([4], "float32");
    small.data.set([1, 2, 3, 4]);
    memory.tensor([10_000_000], "float32");
    expect([...small.data]).toEqual([1, 2, 3, 4]);
  });

  it("lays tensors at multiples of 64 bytes, apart from each other", () => {
    const memory = new WasmMemory();
    const tensors = [1, 17, 3].map((size) => memory.tensor([size], "float32"));
    for (const { address } of tensors) expect(address % 64).toBe(0);
    for (const [index, { address }] of tensors.slice(1).entries()) {
      expect(address).toBeGreaterThan(tensors[index]!.address + 4 * tensors[index]!.size);
    }
  });

  it("says in one line when a region is full", () => {
    const owner = new WasmMemory({ shared: true });
    const part = new WasmMemory({ memory: owner.memory, region: owner.reserve(4096) });
    part.tensor([512], "float32");
    let error: unknown;
    try {
      part.tensor([512], "float32");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TensorError);
    expect((error as TensorError).code).toBe("OUT_OF_MEMORY");
    expect((error as TensorError).message).toMatch(/2048 bytes more do not fit/);
  });

  it.each([true, false])("says in one line when the system has no room for it, new or grown (shared %s)", (shared) => {
    const refuse = () => {
      throw new RangeError("WebAssembly.Memory(): could not allocate memory");
    };
    const grown = new WasmMemory({ shared });
    vi.spyOn(grown.memory, "grow").mockImplementation(refuse);
    const full = {
      name: "TensorError",
      code: "OUT_OF_MEMORY",
      message: expect.stringMatching(/^the system has no [^\n]+$/),
    };
    expect(() => grown.tensor([1_000_000], "float32")).toThrow(expect.objectContaining(full));
    vi.spyOn(WebAssembly, "Memory").mockImplementation(refuse);
    expect(() => createWasmBackend({ shared })).toThrow(expect.objectContaining(full));
  });

  it("gives kernels one scratch space, as large as the greediest wants", () => {
    const memory = new WasmMemory();
    memory.wantScratch(100);
    memory.wantScratch(50);
    const first = memory.scratch;
    expect(memory.scratch).toBe(first);
    memory.wantScratch(1000);
    expect(memory.scratch).not.toBe(first);
    expect(memory.scratchBytes).toBe(1000);
  });

  it("counts what it will take: scratch space that is still to come, one that was too small left behind", () => {
    const memory = new WasmMemory();
    for (const bytes of [100, 1000]) {
      memory.wantScratch(bytes);
      const foreseen = memory.used;
      expect(memory.scratch).toBeGreaterThan(0);
      expect(memory.used - foreseen).toBeLessThanOrEqual(64 + 64);
      expect(memory.used - foreseen).toBeGreaterThanOrEqual(0);
    }
  });

  it("refuses at once a scratch space for which there never will be room", () => {
    const memory = new WasmMemory();
    const refused = expect.objectContaining({ name: "TensorError", code: "OUT_OF_MEMORY" });
    expect(() => memory.wantScratch(2 ** 30)).toThrow(refused);
    expect(memory.scratchBytes).toBe(0);
  });
});
