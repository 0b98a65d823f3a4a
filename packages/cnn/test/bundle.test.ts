import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

/** What a page gets at first that imports these names; backend gpu is a file of its own that comes when asked for. */
async function bundle(names: string) {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `export { ${names} } from "@cifar/cnn";`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    splitting: true,
    outdir: "/page",
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [path.split("/").at(-1)!, output]));
  const contents = new Map(outputFiles.map((file) => [file.path.split(/[\\/]/).at(-1)!, file.contents]));
  // What comes at once: the page's own file and what that needs to start.
  const first = new Set(["stdin.js"]);
  for (const name of first) {
    for (const { path, kind } of outputs.get(name)!.imports) {
      if (kind === "import-statement") first.add(path.split("/").at(-1)!);
    }
  }
  const now = [...first].map((name) => outputs.get(name)!);
  return {
    gzipped: [...first].reduce((bytes, name) => bytes + gzipSync(contents.get(name)!).length, 0),
    // Without what esbuild has looked at and left out.
    files: now.flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
    ),
    imports: [...outputs.values()].flatMap(({ imports }) => imports.filter(({ external }) => external)),
  };
}

describe("bundled for a page", () => {
  it("the package needs nothing of Node", async () => {
    // esbuild would fail at an import of `node:`; what it leaves to be imported later is listed.
    const { files, imports } = await bundle("fit, evaluate, createPredictor, cifarCnn, saveModel, loadModel, toOnnx");
    expect(imports).toEqual([]);
    expect(files).toContainEqual(expect.stringMatching(/platform\/browser\.js$/));
    expect(files).not.toContainEqual(expect.stringMatching(/platform\/node\.js$/));
    expect(files.filter((path) => /gpu/.test(path))).toEqual([]);
  });

  it("classifying with backend wasm takes under 26 kB (gzip) and nothing of training or of other backends", async () => {
    const { gzipped, files } = await bundle("createPredictor, loadModel");
    expect(gzipped).toBeLessThan(26_000);
    const training =
      /(fit|trainer|training-.+|gradients|optimiser|batches|checkpoint|onnx|dropout|muon|sgd|.+-gradient)\.js$/;
    expect(files.filter((path) => training.test(path))).toEqual([]);
    expect(files.filter((path) => /tensor\/dist\/(gpu|reference)\/(?!softmax\.js)/.test(path))).toEqual([]);
  });
});
