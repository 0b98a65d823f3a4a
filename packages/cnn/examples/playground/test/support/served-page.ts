import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { LAUNCH_WITH_GPU } from "../../../../../../vitest.chromium.ts";

/** The page as its users get it: built, served, and opened in a browser. */
export class ServedPage {
  /** Everything that any page has asked for. */
  readonly requests: string[] = [];
  readonly #folder: string;
  readonly #server: PreviewServer;
  readonly #browser: Browser;

  static async open(): Promise<ServedPage> {
    const folder = await mkdtemp(join(tmpdir(), "playground-"));
    const options = {
      root: fileURLToPath(new URL("../..", import.meta.url)),
      logLevel: "error",
      build: { outDir: folder, emptyOutDir: true },
    } as const;
    await build(options);
    const server = await preview({ ...options, preview: { port: 0, host: "127.0.0.1" } });
    return new ServedPage(folder, server, await chromium.launch(LAUNCH_WITH_GPU));
  }

  private constructor(folder: string, server: PreviewServer, browser: Browser) {
    this.#folder = folder;
    this.#server = server;
    this.#browser = browser;
  }

  get origin(): string {
    return new URL(this.#server.resolvedUrls!.local[0]!).origin;
  }

  /**
   * A new page, its fields set by the address.
   * @param options `browser`: another one than that which all pages share; whoever launched it closes it
   */
  async visit(fields: string, options: { readonly width?: number; readonly browser?: Browser } = {}): Promise<Page> {
    const { width = 1280, browser = this.#browser } = options;
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    // The test's own limit is the one that counts.
    page.setDefaultTimeout(0);
    page.on("request", (request) => this.requests.push(request.url()));
    await page.goto(`${this.origin}/?${fields}`);
    await page.locator("#go:enabled").waitFor();
    return page;
  }

  async closePages(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Waits for a line of the page's state that holds `text`. */
export async function awaitStatus(page: Page, text: string): Promise<string> {
  const line = page.locator("#status", { hasText: text });
  await line.waitFor();
  return (await line.textContent()) ?? "";
}

/** Waits until at least so many steps of the run have been made. */
export async function awaitStep(page: Page, step: number): Promise<void> {
  await page.waitForFunction(
    (least) => Number.parseInt(document.getElementById("step")!.textContent!, 10) >= least,
    step,
  );
}

/** Number of colours in a canvas: 1 is one that nothing was drawn on. */
export function coloursOf(page: Page, selector: string): Promise<number[]> {
  return page.locator(selector).evaluateAll((canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      return new Set(new Uint32Array(data.buffer)).size;
    }),
  );
}

/** What stands beside the vertical axis of a chart: it is made narrower, so that it is drawn anew, and overheard. */
export function labelsBeside(page: Page, id: string): Promise<string[]> {
  return page.evaluate(async (id) => {
    const place = document.getElementById(id)!;
    const { prototype } = CanvasRenderingContext2D;
    const { clearRect, fillText } = prototype;
    let labels: string[] = [];
    prototype.clearRect = function (...area) {
      if (place.contains(this.canvas)) labels = [];
      clearRect.apply(this, area);
    };
    prototype.fillText = function (...given) {
      // Those of the horizontal axis are centred.
      if (place.contains(this.canvas) && this.textAlign === "right") labels.push(given[0]);
      fillText.apply(this, given);
    };
    place.style.width = "300px";
    while (labels.length === 0) await new Promise(requestAnimationFrame);
    Object.assign(prototype, { clearRect, fillText });
    return labels;
  }, id);
}

/** Drops files of these contents on the page. */
export async function drop(page: Page, files: Readonly<Record<string, string>>): Promise<void> {
  const transfer = await page.evaluateHandle((contents) => {
    const made = new DataTransfer();
    for (const [name, text] of Object.entries(contents)) made.items.add(new File([text], name));
    return made;
  }, files);
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}
