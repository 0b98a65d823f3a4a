import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

/** What a browser loads before it can classify. */
export interface Bundle {
  readonly bytes: number;
  /** Compressed, as servers send it. */
  readonly gzipBytes: number;
}

/**
 * Bundles a program for browsers with esbuild, minified and split, and weighs what a page loads at its start: the program's
 * own file and all that it imports, but nothing that comes by `import()` when it is asked for. Adds the WebAssembly that it
 * fetches at run time.
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
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    absWorkingDir: folder,
    outdir: "site",
  });
  const contents = new Map(outputFiles.map((file) => [file.path, file.contents]));
  const scripts = filesAtStart("site/page.js", metafile.outputs).map((path) => contents.get(resolve(folder, path))!);
  const modules = await Promise.all(wasm.map((file) => readFile(join(folder, "node_modules", file))));
  const parts = [...scripts, ...modules];
  return {
    bytes: parts.reduce((sum, { length }) => sum + length, 0),
    gzipBytes: parts.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0),
  };
}

/** The entry and, however deep, what it imports statically. */
function filesAtStart(entry: string, outputs: Metafile["outputs"]): readonly string[] {
  const files = new Set([entry]);
  // A set's loop comes to what is added on the way.
  for (const file of files) {
    for (const { path, kind, external } of outputs[file]!.imports) {
      if (kind === "import-statement" && !external) files.add(path);
    }
  }
  return [...files];
}
