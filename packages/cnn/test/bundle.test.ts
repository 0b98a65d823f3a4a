import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

/** What a page gets that imports these names. */
async function bundle(names: string) {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `export { ${names} } from "@cifar/cnn";`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
  });
  const [output] = Object.values(metafile.outputs);
  // Without what esbuild has looked at and left out.
  const files = Object.entries(output!.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    gzipped: gzipSync(outputFiles[0]!.contents).length,
    files: files.map(([path]) => path),
    imports: output!.imports,
  };
}

describe("bundled for a page", () => {
  it("the package needs nothing of Node", async () => {
    // esbuild would fail at an import of `node:`; what it leaves to be imported later is listed.
    const { files, imports } = await bundle("fit, evaluate, createPredictor, cifarCnn, saveModel, loadModel, toOnnx");
    expect(imports).toEqual([]);
    expect(files).toContainEqual(expect.stringMatching(/platform\/browser\.js$/));
    expect(files).not.toContainEqual(expect.stringMatching(/platform\/node\.js$/));
  });

  it("classifying takes under 32 kB (gzip) and nothing of training", async () => {
    const { gzipped, files } = await bundle("createPredictor, loadModel");
    expect(gzipped).toBeLessThan(32_000);
    expect(files.filter((path) => /(fit|trainer|optimiser|batches|checkpoint|onnx)\.js$/.test(path))).toEqual([]);
  });
});
