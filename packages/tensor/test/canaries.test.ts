import { describe, expect, it } from "vitest";
import type { WasmTensor } from "../src/index.js";
import { GuardedMemory, guardedBackend } from "./support/guarded.js";

describe("canaries", () => {
  it("notice what an operation writes past either end of a tensor", () => {
    const backend = guardedBackend({ vectors: 2 });
    const relu = backend.relu({ shape: [40] });
    const [small, large] = [backend.tensor([4]) as WasmTensor, backend.tensor([40])];
    const early = backend.tensorAt(small.address - 16, [40], "float32");
    expect(() => relu.forward(large, large)).not.toThrow();
    expect(() => relu.forward(large, small)).toThrow("relu.forward wrote at byte 16 of a block of 16 bytes");
    expect(() => relu.forward(large, early)).toThrow("relu.forward wrote at byte -16 of a block of 16 bytes");
  });

  it("allow what is left of a tensor's last vector, and show in what is read of it", () => {
    const memory = new GuardedMemory();
    const tensor = memory.tensor([5], "float32");
    const vectors = memory.tensorAt(tensor.address, [9], "float32");
    memory.setUp();
    expect([...vectors.data]).toEqual([0, 0, 0, 0, 0, Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    vectors.data.fill(1, 0, 8);
    expect(() => memory.check("a call")).not.toThrow();
    vectors.data[8] = 1;
    expect(() => memory.check("a call")).toThrow("a call wrote at byte 32 of a block of 20 bytes");
  });

  it("fill the scratch space, and stand behind it", () => {
    const memory = new GuardedMemory();
    memory.wantScratch(16);
    memory.setUp();
    const scratch = memory.tensorAt(memory.scratch, [5], "float32");
    expect([...scratch.data]).toEqual(new Array(5).fill(Number.NaN));
    scratch.data.fill(1, 0, 4);
    expect(() => memory.check("a call")).not.toThrow();
    scratch.data[4] = 1;
    expect(() => memory.check("a call")).toThrow("a call wrote at byte 16 of a block of 16 bytes");
    memory.setUp();
    expect([...scratch.data]).toEqual(new Array(5).fill(Number.NaN));
  });
});
