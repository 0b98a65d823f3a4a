import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const PROGRAM = { program: here("support/refused.mjs") };
/** What a bundle needs for its threads, as the README says. */
const THREAD = { "node-thread": here("../dist/platform/node-thread.js") };

type Entries = Readonly<Record<string, string>>;
type Format = "esm" | "cjs";

const BUNDLERS: Readonly<Record<string, (entryPoints: Entries, format: Format, outdir: string) => Promise<unknown>>> = {
  esbuild: (entryPoints, format, outdir) =>
    esbuild.build({ entryPoints, format, outdir, bundle: true, platform: "node", logLevel: "error" }),
  rollup: async (input, format, dir) => {
    const bundle = await rollup({
      input,
      plugins: [nodeResolve({ exportConditions: ["node"] })],
      external: /^(node:|gpu\.js$)/,
    });
    await bundle.write({ dir, format, entryFileNames: "[name].js" });
    await bundle.close();
  },
};

const CASES = Object.entries(BUNDLERS).flatMap(([bundler, bundle]) =>
  (["esm", "cjs"] as const).map((format) => ({ bundler, format, bundle })),
);

describe.each(CASES)("bundled by $bundler, format $format, a program", ({ bundle, format }) => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cnn-bundled-"));
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: format === "esm" ? "module" : "commonjs" }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function run(entries: Entries): Promise<unknown> {
    await bundle(entries, format, folder);
    const words = [join(folder, "program.js"), JSON.stringify({ threads: 2 })];
    return JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  }

  it("computes on one thread and says so without the threads' script, on two with it", async () => {
    const line = expect.stringMatching(
      /^backend wasm computes on one thread, not on 2: its script, node-thread\.js beside the program's own, is not there/,
    );
    const alone = await run(PROGRAM);
    expect(alone).toMatchObject({ threads: 1, same: true, trained: [line], predicted: [line] });
    const { digest } = alone as { readonly digest: string };
    expect(await run({ ...PROGRAM, ...THREAD })).toMatchObject({ threads: 2, trained: [], predicted: [], digest });
  });
});
