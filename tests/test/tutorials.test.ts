import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { decodePicture, toInput } from "@cifar/cifar";
import {
  conv2d,
  createPredictor,
  encodeSafetensors,
  flatten,
  linear,
  maxPool2d,
  relu,
  Sequential,
  toPyTorch,
} from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import { transformSync } from "esbuild";
import { chromium } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../packages/faas-handler/src/free-port.ts";
import { CHROMIUM, LAUNCH, NO_CHROMIUM } from "../../vitest.chromium.ts";
import { type Block, blocksOf, NEEDS, readPage, SHELLS } from "./support/blocks.ts";
import { drawnPngs, widePng, writeModelOf, writePictureFolder } from "./support/pictures.ts";
import { ROOT, type RunResult, run } from "./support/run.ts";
import { openWorkFolder, type WorkFolder } from "./support/work-folder.ts";

let folder: WorkFolder;
beforeEach(async () => {
  folder = await openWorkFolder();
});
afterEach(() => folder.remove());

/** Does what a page says from its first block to its last, in one session of a shell. */
async function follow(page: string): Promise<RunResult> {
  const session: string[] = ["set -eu"];
  for (const [index, block] of blocksOf(page).entries()) {
    const { language, note, code } = block;
    if (SHELLS.includes(language)) {
      if (note === undefined || !NEEDS.includes(note)) session.push(code);
    } else if (language === "ts" && note === undefined) {
      const { code: script } = transformSync(code, { loader: "ts", format: "esm", target: "node20" });
      await writeFile(join(folder.path, `program-${index}.mjs`), script);
      session.push(`node program-${index}.mjs`);
    } else if (isOfReader(block)) {
      session.push(`mkdir -p ${dirname(note!)}; cat > ${note} <<'END OF FILE'\n${code}END OF FILE`);
    }
  }
  const port = String(await freePort());
  const script = session.join("\n").replaceAll(/(?<=--port |127\.0\.0\.1:)8080/g, port);
  return run("bash", ["-c", script], { cwd: folder.path, env: { ...folder.env, log_level: "error" } });
}

/** A file that the reader writes, not an excerpt of one of this repository. */
function isOfReader({ note }: Block): boolean {
  return note !== undefined && !existsSync(join(ROOT, note));
}

const here = (...names: string[]) => join(folder.path, ...names);

describe("the tutorials do what they say", () => {
  it("Train on your own pictures", async () => {
    await writePictureFolder(here("photos"), ["apples", "pears"], 20);
    const { status, stdout, stderr } = await follow("docs/tutorials/own-pictures.md");
    expect(status, stderr).toBe(0);
    // 20 pictures a class, of which every fifth is a test picture.
    expect(stdout).toMatch(/^apples +16 +4$/m);
    const { card } = await readModelFile(here("runs", "fruit", "model.safetensors"));
    expect(card.classes).toEqual(["apples", "pears"]);
    for (const file of ["runs/fruit/report.html", "explained.png"]) expect(existsSync(here(file))).toBe(true);
  });

  it("Deploy your model to OpenFaaS", async () => {
    await writePictureFolder(here("photos"), ["apples", "pears"], 5);
    await mkdir(here("runs", "fruit"), { recursive: true });
    await writeModelOf(["apples", "pears"], here("runs", "fruit", "model.safetensors"));
    // As npm install leaves it: without a type, so that Node warns of modules that it has to find out about.
    await writeFile(here("package.json"), "{}");
    const { status, stdout, stderr } = await follow("docs/tutorials/deploy-to-openfaas.md");
    expect(status, stderr).toBe(0);
    expect(stderr).not.toContain("MODULE_TYPELESS_PACKAGE_JSON");
    expect(stdout).toContain('{"accuracy":0.5}');
    expect(stdout).toMatch(/"label":"(apples|pears)".*"sure":false/);
  });

  it("Import a PyTorch model, with weights of its shapes", async () => {
    const layers = [conv2d({ filters: 8, kernel: 3, padding: 1 }), relu(), maxPool2d({ size: 4 }), flatten()];
    const network = new Sequential({ input: [32, 32, 3], layers: [...layers, linear({ outputs: 3 })] });
    const weights = encodeSafetensors(toPyTorch(network.initialise({ method: "pytorch", seed: 2 })), { format: "pt" });
    await writeFile(here("weights.safetensors"), weights);
    await cp(join(ROOT, "examples", "pytorch", "import.js"), here("import.js"));
    await writeFile(here("package.json"), '{ "type": "module" }');
    const { status, stderr } = await follow("docs/tutorials/import-a-pytorch-model.md");
    expect(status, stderr).toBe(0);
    // There and back again.
    expect((await readFile(here("for-pytorch.safetensors"))).subarray(-100)).toEqual(
      Buffer.from(weights).subarray(-100),
    );
    expect(existsSync(here("model.onnx"))).toBe(true);
  });

  it.skipIf(CHROMIUM === undefined)(`Use it in a browser${NO_CHROMIUM}`, async () => {
    await cp(join(ROOT, "examples", "browser"), folder.path, { recursive: true });
    const { status, stderr } = await follow("docs/tutorials/use-it-in-a-browser.md");
    expect(status, stderr).toBe(0);
    expect(existsSync(here("site", "browser-thread.js"))).toBe(true);

    const { model, card } = await readModelFile(here("site", "model.safetensors"));
    const predictor = await createPredictor(model, { ...card, threads: 1 });
    const expected = async (png: Uint8Array) => {
      const [answer] = await predictor.classify(toInput(decodePicture(png), 32));
      return `${answer!.label}, ${(100 * answer!.confidence).toFixed(1)} %`;
    };
    const files = { "drawn.png": drawnPngs(1)[0]!, "wide.png": widePng(), "notes.txt": Buffer.from("milk") };
    const { answers, scripts } = await askPage(here("site"), files);
    expect(answers).toEqual([
      await expected(files["drawn.png"]),
      await expected(files["wide.png"]),
      "notes.txt: this browser cannot read it as a picture",
    ]);
    predictor.close();
    // Of what the page says that it loads: gpu.js, which is installed here, takes a little more.
    const [, kilobytes] = /([\d.]+) kB \(gzip\)/.exec(readPage("docs/tutorials/use-it-in-a-browser.md"))!;
    expect(Math.abs(scripts - Number(kilobytes) * 1000)).toBeLessThan(300);
  });
});

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

interface PageVisit {
  /** What the page said to each file. */
  readonly answers: readonly string[];
  /** Bytes, compressed, of the scripts that it asked for. */
  readonly scripts: number;
}

/** Opens a page and chooses files, one after the other. */
async function askPage(site: string, files: Readonly<Record<string, Uint8Array>>): Promise<PageVisit> {
  let scripts = 0;
  const server = createServer(async (request, response) => {
    const file = join(site, request.url === "/" ? "index.html" : (request.url ?? ""));
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    const content = await readFile(file);
    if (extname(file) === ".js") scripts += gzipSync(content).length;
    return response.end(content);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch(LAUNCH);
  try {
    const page = await browser.newPage();
    // The page's script hears of files only when its model is there.
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { waitUntil: "networkidle" });
    const answers: string[] = [];
    for (const [name, content] of Object.entries(files)) {
      await page.locator("input").setInputFiles({ name, mimeType: "", buffer: Buffer.from(content) });
      // The page takes the answer before away at once.
      await page.locator("output", { hasText: /./ }).waitFor();
      answers.push((await page.locator("output").textContent()) ?? "");
    }
    return { answers, scripts };
  } finally {
    await browser.close();
    server.close();
  }
}
