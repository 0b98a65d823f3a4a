import { describe, expect, test } from "vitest";
import { isSoftware } from "../src/browser/chromium.js";
import { ratioOf } from "../src/compare.js";

describe("isSoftware", () => {
  // As drivers call themselves in Chromium.
  test.each([
    "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)",
    "google swiftshader",
    "ANGLE (Mesa, llvmpipe (LLVM 15.0.6, 256 bits), OpenGL 4.5)",
    "ANGLE (Microsoft, Microsoft Basic Render Driver (0x0000008C) Direct3D11 vs_5_0 ps_5_0, D3D11)",
  ])("knows %s for a program", (name) => {
    expect(isSoftware(name)).toBe(true);
  });

  test.each([
    "ANGLE (NVIDIA Corporation, NVIDIA GeForce RTX 3060/PCIe/SSE2, OpenGL 4.5.0)",
    "ANGLE (Apple, ANGLE Metal Renderer: Apple M1, Unspecified Version)",
    "ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)",
    "nvidia turing",
  ])("knows %s for a card", (name) => {
    expect(isSoftware(name)).toBe(false);
  });
});

describe("ratioOf", () => {
  test("is the median of the rounds' ratios, not the ratio of medians: a round that was slow for both counts like any other", () => {
    expect(ratioOf([2, 40, 2], [1, 20, 4])).toBe(2);
  });

  test("takes only the rounds that both had", () => {
    expect(ratioOf([6], [2, 100, 100])).toBe(3);
    expect(ratioOf([6, 100], [2])).toBe(3);
  });
});
