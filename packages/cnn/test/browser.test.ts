import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createWasmBackend } from "@cifar/tensor";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, LAUNCH_WITH_GPU, NO_CHROMIUM } from "../../../vitest.chromium.ts";
import { type PageRequest, type PageResult, trainAndClassify } from "./support/page.js";
import { lossesOf } from "./support/steps.js";
import { toyPictures } from "./support/toys.js";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The page's script and that of its threads, side by side as they are in the package; and one that is no module. */
async function buildScripts(): Promise<ReadonlyMap<string, Uint8Array>> {
  const options = { outdir: "/scripts", bundle: true, write: false, target: "es2022", platform: "browser" } as const;
  const page = here("support/page.ts");
  const [modules, classic] = await Promise.all([
    build({
      ...options,
      format: "esm",
      entryPoints: { page, "browser-thread": here("../dist/platform/browser-thread.js") },
    }),
    build({ ...options, format: "iife", globalName: "page", entryPoints: { classic: page }, logLevel: "error" }),
  ]);
  return new Map(
    [...modules.outputFiles, ...classic.outputFiles].map(({ path, contents }) => [
      path.replaceAll("\\", "/").replace(/^.*\/scripts/, ""),
      contents,
    ]),
  );
}

const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** The folders below which the page is served, each with its headers. */
const PLACES = {
  plain: {},
  /** It may share memory with its threads. */
  isolated: ISOLATED,
  /** The same without the threads' script: as on many servers, the page itself comes in its place. */
  alone: ISOLATED,
  withoutWorkers: { ...ISOLATED, "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'" },
  withoutWasm: { ...ISOLATED, "Content-Security-Policy": "script-src 'self'" },
} as const;

type Place = keyof typeof PLACES;

function serve(scripts: ReadonlyMap<string, Uint8Array>): Server {
  return createServer((request, response) => {
    const [, place, file] = /^\/(\w+)(\/.*)$/.exec(request.url ?? "") ?? [];
    const script = place === "alone" && file === "/browser-thread.js" ? undefined : scripts.get(file ?? "");
    for (const [name, value] of Object.entries(PLACES[place as Place] ?? {})) response.setHeader(name, value);
    response.setHeader("Content-Type", script === undefined ? "text/html" : "text/javascript");
    response.end(script ?? "<!doctype html><title>page</title>");
  });
}

describe.skipIf(CHROMIUM === undefined)(`in Chromium${NO_CHROMIUM}`, () => {
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    const scripts = await buildScripts();
    server = serve(scripts).listen(0, "127.0.0.1");
    browser = await chromium.launch(LAUNCH_WITH_GPU);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  async function open(place: Place): Promise<Page> {
    const page = await browser.newPage();
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/${place}/`);
    return page;
  }

  async function call<T>(place: Place, name: string, argument: unknown): Promise<T> {
    const page = await open(place);
    // As text, since vitest would turn the import into one of its own.
    const text = `import("/${place}/page.js").then((page) => page.${name}(${JSON.stringify(argument)}))`;
    const result = await page.evaluate<T>(text);
    await page.close();
    return result;
  }

  const inPage = (place: Place, request: PageRequest) => call<PageResult>(place, "trainAndClassify", request);

  it.each<PageRequest>([
    { backend: "wasm", threads: 1 },
    { backend: "wasm", threads: 3 },
    { backend: "reference", threads: 1 },
  ])("trains to the same bytes as in Node and classifies with $backend, threads: $threads", async (request) => {
    const result = await inPage("isolated", request);
    const expected = await trainAndClassify({ ...request, threads: 1 });
    expect(result).toEqual({ ...expected, threads: request.threads });
    const { classes, labels } = toyPictures({ count: 30, seed: 7 });
    const right = result.labels.filter((label, n) => label === classes[labels[n]!]).length;
    expect(right).toBeGreaterThan(27);
  });

  it("says why it computes on one thread where the page is not cross-origin isolated", async () => {
    const result = await inPage("plain", { backend: "wasm", threads: 2 });
    expect(result.threads).toBe(1);
    const line = "backend wasm computes on one thread, not on 2: the page is not cross-origin isolated";
    expect(result.notices).toEqual([line]);
    expect(result.digest).toBe((await trainAndClassify({ backend: "wasm", threads: 1 })).digest);
  });

  it.each([
    { place: "alone", reason: "browser-thread.js beside the page's script cannot be loaded" },
    { place: "withoutWorkers", reason: "browser-thread.js" },
  ] as const)(
    "computes on one thread and says so where threads cannot be started: $place",
    async ({ place, reason }) => {
      const result = await inPage(place, { threads: 2 });
      expect(result.threads).toBe(1);
      expect(result.notices).toEqual([
        expect.stringContaining(`backend wasm computes on one thread, not on 2: ${reason}`),
      ]);
      expect(result.digest).toBe((await trainAndClassify({ backend: "wasm", threads: 1 })).digest);
    },
  );

  it("computes on one thread by default too, and says so, where the page is not cross-origin isolated", async () => {
    const { threads, notices } = await call<PageResult>("plain", "trainAndClassify", {});
    expect(threads).toBe(1);
    expect(notices).toEqual([
      expect.stringMatching(/^backend wasm computes on one thread, not on \d+: the page is not cross-origin isolated$/),
    ]);
  });

  it("computes on one thread and says so where the page's script is no module", async () => {
    const page = await open("isolated");
    await page.addScriptTag({ url: "/isolated/classic.js" });
    const { threads, notices } = await page.evaluate<PageResult>("page.trainAndClassify({ threads: 2 })");
    await page.close();
    expect(threads).toBe(1);
    expect(notices).toEqual([
      expect.stringMatching(/^backend wasm computes on one thread, not on 2: browser-thread\.js .+ format esm;/),
    ]);
  });

  it("computes in plain TypeScript and says so where the page's policy forbids WebAssembly", async () => {
    const result = await inPage("withoutWasm", { threads: 2 });
    expect(result.threads).toBe(1);
    expect(result.notices).toEqual([
      expect.stringMatching(
        /^backend reference \(plain TypeScript, slow\) is used: .+ 'wasm-unsafe-eval' in script-src$/,
      ),
    ]);
    expect(result.digest).toBe((await trainAndClassify({ backend: "reference", threads: 1 })).digest);
    await expect(inPage("withoutWasm", { backend: "wasm", threads: 1 })).rejects.toThrow(
      /CnnError: backend wasm: .+ 'wasm-unsafe-eval' in script-src/,
    );
  });

  it("trains and classifies with backend gpu, asked for by name", async () => {
    const result = await inPage("plain", { backend: "gpu", threads: 1 });
    const { classes, labels } = toyPictures({ count: 30, seed: 7 });
    const right = result.labels.filter((label, n) => label === classes[labels[n]!]).length;
    expect(right).toBeGreaterThan(27);
  }, 60_000);

  for (const mode of ["webgl2", "webgpu"] as const) {
    it(`makes twenty steps on ${mode} as backend wasm does`, async ({ skip }) => {
      const losses = await call<number[] | string>("plain", "lossesOnGpu", mode);
      if (typeof losses === "string") return skip(losses);
      const expected = await lossesOf(createWasmBackend());
      expect(losses).toHaveLength(20);
      // Other orders of addition, and functions a few units off in the last place, over twenty steps.
      for (const [step, loss] of expected.entries()) expect(Math.abs(losses[step]! - loss)).toBeLessThan(2e-3);
    }, 60_000);
  }
});
