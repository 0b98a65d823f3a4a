import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

describe("the entry for pages", () => {
  it("can be bundled for a browser: nothing that it imports needs Node", async () => {
    // esbuild fails at an import of `node:`.
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("../dist/browser.js", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      platform: "browser",
    });
    expect(outputFiles[0]!.text).toContain("datasetOfRecords");
  });
});
