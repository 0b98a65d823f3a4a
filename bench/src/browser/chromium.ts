import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** What a page draws or computes with. */
export type Renderer = "webgl2" | "webgpu";

/** The browser of this machine: CHROME_PATH, or where Debian puts Chromium. */
export function findChromium(): string | undefined {
  return [process.env["CHROME_PATH"], "/usr/bin/chromium"].find((path) => path && existsSync(path));
}

const COMMON = ["--no-sandbox", "--disable-dev-shm-usage", "--enable-unsafe-webgpu", "--enable-features=Vulkan"];
/** A headless Chromium on Linux finds a card through Vulkan alone. */
const CARD = [
  ...COMMON,
  "--ignore-gpu-blocklist",
  ...(process.platform === "linux" ? ["--use-angle=vulkan", "--disable-vulkan-surface"] : []),
];
const SOFTWARE = [
  ...COMMON,
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--use-webgpu-adapter=swiftshader",
];

/** A page that is open, and what renders for it. */
export interface OpenPage {
  readonly browser: Browser;
  readonly page: Page;
  /** As the driver calls itself; undefined where none was asked for. */
  readonly rendering: string | undefined;
}

/**
 * Opens a page: on a graphics card if there is one, else rendered in software.
 * @throws Error if the browser has no such renderer at all
 */
export async function openPage(executablePath: string, url: string, renderer: Renderer | undefined): Promise<OpenPage> {
  for (const args of [CARD, SOFTWARE]) {
    const browser = await chromium.launch({ executablePath, args, handleSIGTERM: false });
    const page = await browser.newPage();
    await page.goto(url);
    const rendering = renderer && (await (renderer === "webgl2" ? nameOfWebGl : nameOfWebGpu)(page));
    if (renderer === undefined || rendering !== undefined) return { browser, page, rendering };
    await browser.close();
  }
  throw new Error(`this browser has no ${renderer === "webgl2" ? "WebGL2" : "WebGPU"}`);
}

/** True for a renderer that is a program on the CPU. */
export function isSoftware(rendering: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i.test(rendering);
}

function nameOfWebGl(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const gl = document.createElement("canvas").getContext("webgl2");
    const names = gl?.getExtension("WEBGL_debug_renderer_info");
    return gl && names ? String(gl.getParameter(names.UNMASKED_RENDERER_WEBGL)) : undefined;
  });
}

function nameOfWebGpu(page: Page): Promise<string | undefined> {
  return page.evaluate(async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return undefined;
    const { vendor, architecture, device, description } = adapter.info;
    return [vendor, architecture, device, description].filter((part) => part !== "").join(" ");
  });
}
