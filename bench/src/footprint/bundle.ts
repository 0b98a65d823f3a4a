import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What a browser loads before it can classify. */
export interface Bundle {
  readonly bytes: number;
  /** Compressed, as servers send it. */
  readonly gzipBytes: number;
}

/**
 * Bundles a program for browsers with esbuild, minified, and adds the WebAssembly that it fetches at run time.
 * @param options folder: where the packages are installed; program: its source; wasm: files under node_modules
 */
export async function bundle(options: {
  readonly folder: string;
  readonly program: string;
  readonly wasm: readonly string[];
}): Promise<Bundle> {
  const { folder, program, wasm } = options;
  const entry = join(folder, "page.mjs");
  await writeFile(entry, program);
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    outdir: folder,
  });
  const modules = await Promise.all(wasm.map((file) => readFile(join(folder, "node_modules", file))));
  const parts = [...outputFiles.map(({ contents }) => contents), ...modules];
  return {
    bytes: parts.reduce((sum, { length }) => sum + length, 0),
    gzipBytes: parts.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0),
  };
}
