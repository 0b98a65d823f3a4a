/**
 * Contestants in a page of Chromium; see protocol.ts. `--backend NAME` is @cifar/cnn on a backend (`gpu:MODE` on a mode of
 * gpu.js), `--peer NAME` the script peers/NAME-page.mjs. `--threads N` takes so many threads whatever the task says.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type BuildOptions, build } from "esbuild";
import { findChromium, isSoftware, type OpenPage, openPage, type Renderer } from "../browser/chromium.js";
import type { PageRequest } from "../browser/page.js";
import type { PrepareRequest, PrepareResponse } from "../protocol.js";
import { serve } from "./serve.js";

const { values } = parseArgs({
  options: { backend: { type: "string", default: "wasm" }, peer: { type: "string" }, threads: { type: "string" } },
});
const { backend, peer } = values;

let open: OpenPage | undefined;
let server: Server | undefined;
process.once("SIGTERM", () => void end());

await serve(async (request) => {
  const path = findChromium();
  if (path === undefined) throw new Error("no Chromium at CHROME_PATH or /usr/bin/chromium");
  server = serveFiles(await files(request)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  open = await openPage(path, `http://127.0.0.1:${port}/`, rendererOf(peer ?? backend));
  const { browser, page, rendering } = open;
  const threads = values.threads === undefined ? request.threads : Number(values.threads);
  const asked: PageRequest = { task: request.task, batch: request.batch, threads, backend };
  const { description, output } = await page.evaluate<PrepareResponse>(inPage("prepare", asked));
  const parts = [description, `Chromium ${browser.version()}`];
  if (rendering !== undefined) parts.push(`${isSoftware(rendering) ? "software rendering" : "on"} ${rendering}`);
  return {
    description: parts.join(", "),
    output,
    run: (iterations) => page.evaluate<readonly number[]>(inPage("run", iterations)),
  };
});
await end();

async function end(): Promise<never> {
  await open?.browser.close();
  server?.close();
  process.exit(0);
}

function rendererOf(name: string): Renderer | undefined {
  if (name.endsWith("webgpu")) return "webgpu";
  return name.endsWith("webgl2") || name.endsWith("webgl") ? "webgl2" : undefined;
}

function inPage(name: "prepare" | "run", argument: unknown): string {
  return `import("/page.js").then((page) => page.${name}(${JSON.stringify(argument)}))`;
}

/** What the page can fetch, by its path. */
async function files({ weights, input }: PrepareRequest["prepare"]): Promise<ReadonlyMap<string, Uint8Array>> {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const engine = fileURLToPath(import.meta.resolve("@cifar/cnn"));
  const page = peer === undefined ? here("../browser/page.js") : here(`../../peers/${peer}-page.mjs`);
  const scripts = [
    ...(await bundle({ page }, { splitting: true })),
    ...(await bundle({ "browser-thread": engine.replace(/index\.js$/, "platform/browser-thread.js") }, {})),
  ];
  return new Map([...scripts, ["/weights", await readFile(weights)], ["/input", await readFile(input)]]);
}

async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  options: BuildOptions,
): Promise<[string, Uint8Array][]> {
  const { outputFiles } = await build({
    ...options,
    entryPoints,
    outdir: "/scripts",
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    logLevel: "silent",
  });
  return outputFiles!.map(({ path, contents }) => [`/${basename(path)}`, contents]);
}

/** A server of a page that may share memory with its threads. */
function serveFiles(contents: ReadonlyMap<string, Uint8Array>): Server {
  return createServer(({ url = "" }, response) => {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Content-Type", url.endsWith(".js") ? "text/javascript" : "text/html");
    response.end(contents.get(url) ?? "<!doctype html><title>bench</title>");
  });
}
