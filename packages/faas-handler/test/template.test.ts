import { execFile, spawn } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FunctionFolder, makeFunctionFolder } from "./support/model-file.ts";
import { encodePng } from "./support/png.ts";

const run = promisify(execFile);
const TEMPLATE = fileURLToPath(new URL("../../../template/cnn-node/", import.meta.url));
const BUILT = fileURLToPath(new URL("../dist/runtime/", import.meta.url));
/** The program, what decodes, the scripts of threads, and what says that all are CommonJS. */
const CODE = ["index.js", "picture.js", "decode-thread.js", "node-thread.js", "package.json"];

/** Files of the template that a checkout holds and an image may get. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("the template", () => {
  let folder: FunctionFolder;

  beforeEach(() => {
    folder = makeFunctionFolder();
  });
  afterEach(() => folder.remove());

  it("holds the program as it is built from these sources; npm run template -w @cifar/faas-handler brings it up to date", () => {
    for (const name of CODE) {
      expect(readFileSync(join(TEMPLATE, "runtime", name)).equals(readFileSync(join(BUILT, name))), name).toBe(true);
    }
  });

  it("comes with the weights that ship, so that its function answers at once", () => {
    const shipped = new URL("../../cifar/models/cifar10.safetensors", import.meta.url);
    expect(readFileSync(join(TEMPLATE, "function/model.safetensors")).equals(readFileSync(shipped))).toBe(true);
  });

  it("stays small: less than 330 kB of code, less than 1 MB with the weights, nothing native", () => {
    const code = CODE.reduce((sum, name) => sum + readFileSync(join(TEMPLATE, "runtime", name)).length, 0);
    expect(code).toBeLessThan(330_000);
    expect(code + readFileSync(folder.modelPath).length).toBeLessThan(1_000_000);
    for (const file of files(TEMPLATE)) {
      const start = readFileSync(file).subarray(0, 4).toString("latin1");
      expect(start === "\x7fELF" || start.startsWith("\0asm"), file).toBe(false);
    }
  });

  it("brings a program that runs alone, without any package beside it", async () => {
    const alone = mkdtempSync(join(tmpdir(), "cifar-alone-"));
    for (const name of CODE) {
      copyFileSync(join(TEMPLATE, "runtime", name), join(alone, name));
    }
    cpSync(join(TEMPLATE, "function/handler.js"), join(folder.path, "handler.js"));
    const { stdout } = await run(process.execPath, [join(alone, "index.js"), "--check"], {
      cwd: alone,
      env: { model_path: folder.modelPath },
    });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).message),
    ).toContain("ready");
    const threaded = spawn(process.execPath, [join(alone, "index.js")], {
      cwd: alone,
      stdio: ["ignore", "pipe", "inherit"],
      env: { model_path: folder.modelPath, http_port: "0", threads: "2", max_batch: "32" },
    });
    const said: string[] = [];
    let port = 0;
    let status: number | undefined;
    for await (const line of createInterface({ input: threaded.stdout })) {
      const { message, ...fields } = JSON.parse(line);
      said.push(message);
      port = fields.port ?? port;
      if (message.startsWith("network")) {
        // Large enough for the thread that decodes.
        const body = encodePng({ width: 1000, height: 1000 });
        status = (await fetch(`http://127.0.0.1:${port}`, { method: "POST", body })).status;
        threaded.kill("SIGTERM");
      }
    }
    expect(said).toContain("network improved");
    expect(status).toBe(200);
    expect(said).not.toContain("no thread for large pictures");
    rmSync(alone, { recursive: true });
  });

  it("fails to build where the function could not run: no model, a broken one, hooks that are none", async () => {
    const check = (): Promise<unknown> =>
      run(process.execPath, [join(TEMPLATE, "runtime/index.js"), "--check"], {
        env: { model_path: folder.modelPath },
      });
    writeFileSync(join(folder.path, "handler.js"), "export const before = 1;");
    await expect(check()).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("must be a function") });
    writeFileSync(folder.modelPath, "broken");
    writeFileSync(join(folder.path, "handler.js"), "");
    await expect(check()).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("safetensors") });
    rmSync(folder.modelPath);
    await expect(check()).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining("model_path") });
  });
});
