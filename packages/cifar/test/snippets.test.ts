import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
// Inside the package, so that the snippets' imports resolve as those of a user do.
const folder = mkdtempSync(fileURLToPath(new URL("./snippets-", import.meta.url)));

/** Pages whose TypeScript a reader may copy and run as it stands. */
const PAGES = ["README.md", "packages/tensor/README.md", "packages/cnn/README.md"];

function snippets(page: string): readonly string[] {
  return [...readFileSync(join(root, page), "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(PAGES)("%s", (page) => {
  const found = snippets(page);
  it("has snippets", () => expect(found.length).toBeGreaterThan(0));

  it.each(found.map((code, index) => ({ code, index })))("has a snippet $index that runs", ({ code, index }) => {
    const file = join(folder, `${page.replaceAll("/", "-")}-${index}.mjs`);
    writeFileSync(file, transformSync(code, { loader: "ts", format: "esm", target: "node20" }).code);
    const { status, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
