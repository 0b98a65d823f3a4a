import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, LAUNCH_WITH_GPU, NO_CHROMIUM } from "../../../vitest.chromium.ts";
import type { PageReport } from "./support/gpu-page.js";

/**
 * Sums in float32 where the reference adds in float64, and on a GPU exp, log, square root and quotients that may be off by a
 * few units in the last place; Muon's steep iteration stretches such errors 3.4-fold five times.
 */
const TOLERANCE = 5e-5;
const MUON_TOLERANCE = 5e-3;

describe.skipIf(CHROMIUM === undefined)(`backend gpu in Chromium${NO_CHROMIUM}`, () => {
  let server: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("support/gpu-page.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      platform: "browser",
    });
    const script = outputFiles[0]!.contents;
    server = createServer((request, response) => {
      const asksScript = request.url === "/page.js";
      response.setHeader("Content-Type", asksScript ? "text/javascript" : "text/html");
      response.end(asksScript ? script : "<!doctype html><title>page</title>");
    }).listen(0, "127.0.0.1");
    browser = await chromium.launch(LAUNCH_WITH_GPU);
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }, 30_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  // As text, since vitest would turn the import into one of its own.
  const inPage = <T>(call: string) => page.evaluate<T>(`import("/page.js").then((page) => page.${call})`);

  function expectAgreement({ agreements, results }: PageReport): void {
    // gpu.js computes on the CPU what it cannot compile for the GPU, and says so on the console alone.
    expect(results.onCpu, `of ${results.all} results`).toBe(0);
    expect(agreements.length).toBeGreaterThan(20);
    for (const { what, error } of agreements) {
      expect(error, what).toBeLessThanOrEqual(what.startsWith("muon") ? MUON_TOLERANCE : TOLERANCE);
    }
  }

  it("computes on WebGL2 what the reference does", async () => {
    const report = await inPage<PageReport>('compare("webgl2", [1, 2, 3])');
    expect(report.description).toBe("gpu (gpu.js, WebGL2)");
    expectAgreement(report);
  }, 120_000);

  it("computes on WebGPU what the reference does, where the browser has it", async ({ skip }) => {
    if (!(await inPage<boolean>("webGpuAvailable()"))) skip("this Chromium has no adapter for WebGPU");
    const report = await inPage<PageReport>('compare("webgpu", [1, 2, 3])');
    expect(report.description).toBe("gpu (gpu.js, WebGPU)");
    expectAgreement(report);
  }, 120_000);

  it.for(["webgl2", "webgpu"])(
    "gives what PyTorch gives where logits are not finite, on %s",
    async (mode, { skip }) => {
      if (mode === "webgpu" && !(await inPage<boolean>("webGpuAvailable()"))) skip("no adapter for WebGPU");
      expect(await inPage<string[]>(`notFinite("${mode}")`)).toEqual([]);
    },
  );

  it("would see if gpu.js fell back to the CPU", async () => {
    const { results } = await inPage<PageReport>('compare("cpu", [1])');
    expect(results.all).toBeGreaterThan(20);
    expect(results.onCpu).toBe(results.all);
  }, 120_000);

  for (const [mode, what] of [
    ["webgl2", "textures"],
    ["webgpu", "buffers"],
  ] as const) {
    it(`holds as many ${what} on ${mode} after 200 steps as after 10`, async ({ skip }) => {
      if (mode === "webgpu" && !(await inPage<boolean>("webGpuAvailable()"))) skip("no adapter for WebGPU");
      const [early, late] = await inPage<readonly [number, number]>(`alive("${mode}")`);
      expect(early).toBeGreaterThan(5);
      expect(late).toBe(early);
    }, 120_000);
  }
});
