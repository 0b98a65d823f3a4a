import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundle } from "../src/footprint/bundle.js";
import { installAlone, NotInstalled, placeAgent } from "../src/footprint/install.js";
import { sizeOf } from "../src/footprint/size.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bench-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes files, and the folders that they lie in. */
async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

describe("sizeOf", () => {
  test("counts files and bytes at every depth, and what is compiled for one system", async () => {
    await write({
      "a/index.js": "12345",
      "a/build/addon.node": "123",
      "a/lib/libx.so": "1",
      "a/lib/libx.so.1.30.0": "1",
      "a/lib/libx.dylib": "1",
      "a/lib/x.dll": "1",
      "@scope/b/x.wasm": "1",
      "@scope/b/nodes.json": "1",
    });
    expect(await sizeOf(folder)).toEqual({ bytes: 14, files: 8, native: 5 });
  });

  test("counts no file twice for a link to it", async () => {
    await write({ "a/cli.js": "12345" });
    await mkdir(join(folder, ".bin"));
    await symlink(join(folder, "a", "cli.js"), join(folder, ".bin", "cli"));
    expect(await sizeOf(folder)).toEqual({ bytes: 5, files: 1, native: 0 });
  });
});

describe("bundle", () => {
  test("holds what the program uses and no more, and adds the WebAssembly that it fetches", async () => {
    const wasm = new Uint8Array(5000).map((_, i) => (i * 7919) % 251);
    await write({
      "node_modules/lib/package.json": '{"name":"lib","type":"module","main":"index.js","sideEffects":false}',
      "node_modules/lib/index.js": `export const used = "used"; export const spare = "${"spare ".repeat(1000)}";`,
      "node_modules/lib/x.wasm": wasm,
    });
    const program = 'export { used } from "lib";';
    const alone = await bundle({ folder, program, wasm: [] });
    expect(alone.bytes).toBeGreaterThan(10);
    expect(alone.bytes).toBeLessThan(200);
    const both = await bundle({ folder, program, wasm: ["lib/x.wasm"] });
    expect(both.bytes - alone.bytes).toBe(5000);
    expect(both.gzipBytes - alone.gzipBytes).toBe(gzipSync(wasm, { level: 9 }).length);
  });

  test("counts files that a page starts with, not those that it may ask for later", async () => {
    await write({
      "node_modules/lib/package.json": '{"name":"lib","type":"module","main":"index.js","sideEffects":false}',
      "node_modules/lib/index.js":
        'import { shared } from "./shared.js"; export const now = () => shared.length; export const later = () => import("./later.js");',
      "node_modules/lib/shared.js": `export const shared = "${"shared ".repeat(1000)}";`,
      "node_modules/lib/later.js": `import { shared } from "./shared.js"; export const l = shared + "${"later ".repeat(1000)}";`,
    });
    const { bytes } = await bundle({ folder, program: 'export { now, later } from "lib";', wasm: [] });
    // What both need is a file of its own then, which the page starts with.
    expect(bytes).toBeGreaterThan(7000);
    expect(bytes).toBeLessThan(8000);
  });
});

test("a package that npm cannot install is named, with npm's code", async () => {
  const install = installAlone(join(folder, "new"), ["./not-there.tgz"]);
  await expect(install).rejects.toThrow(NotInstalled);
  await expect(install).rejects.toThrow("npm could not install ./not-there.tgz (ENOENT)");
});

test("an agent is placed with the modules beside it, and without what is installed there", async () => {
  await write({
    "from/agent.mjs": "",
    "from/helper.mjs": "",
    "from/package.json": "{}",
    "from/node_modules/x/index.js": "",
    "to/package.json": "{}",
  });
  expect(await placeAgent(join(folder, "to"), join(folder, "from/agent.mjs"))).toBe(join(folder, "to/agent.mjs"));
  expect((await sizeOf(join(folder, "to"))).files).toBe(3);
});
