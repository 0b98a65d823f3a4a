import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { blocksOf, PAGES, SHELLS } from "./support/blocks.ts";
import { ROOT, run } from "./support/run.ts";
import { openWorkFolder, type WorkFolder } from "./support/work-folder.ts";

/** Blocks that deploy, of every page, without the lines that need a cluster or never end. */
const BLOCKS = [...new Set(PAGES)].flatMap((page) =>
  blocksOf(page)
    .filter(({ language, code }) => SHELLS.includes(language) && /^\s*faas-cli (new|up|template)/m.test(code))
    .map(({ code, line }) => ({
      page,
      line,
      /** In an empty folder of the reader's own, or in a clone of this repository. */
      own: code.includes("faas-cli new"),
      script: code
        .replaceAll("\\\n", " ")
        .split("\n")
        .filter((text) => !/\b(curl|kubectl|kind|arkade|npx)\b/.test(text))
        .join("\n"),
    })),
);

describe("deploying as documented", () => {
  let folder: WorkFolder;
  let bin = "";
  beforeEach(async () => {
    folder = await openWorkFolder();
    bin = join(folder.path, "..", "bin");
    const program = join(bin, "faas-cli");
    await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/tests/test/support/faas-cli.mjs" "$@"\n`);
    await chmod(program, 0o755);
  });
  afterEach(() => folder.remove());

  it("is documented for functions of one's own and for this repository's", () => {
    expect(BLOCKS.filter(({ own }) => own).length).toBeGreaterThan(1);
    expect(BLOCKS.filter(({ own }) => !own).length).toBeGreaterThan(1);
  });

  it.each(BLOCKS)("$page, line $line: works as typed", async ({ own, script }) => {
    const needed = own
      ? [["packages/cifar/models/cifar10.safetensors", "runs/fruit/model.safetensors"], ["runs/fruit/handler.js"]]
      : [["template"], ["stack.yaml"], ["examples/openfaas-node"], ["packages/cifar/models"]];
    for (const [from, to = from] of needed as [string, string?][]) {
      const target = join(folder.path, to);
      await mkdir(dirname(target), { recursive: true });
      if (from.startsWith("runs/")) await writeFile(target, "export const after = (answer) => answer;\n");
      else await cp(join(ROOT, from), target, { recursive: true });
    }
    const env = { PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`, USER: "me", OPENFAAS_PREFIX: "" };
    const prepared = own || script.includes("OPENFAAS_PREFIX=") ? "" : "export OPENFAAS_PREFIX=registry.example/me\n";
    const { status, stdout, stderr } = await run("bash", ["-c", `set -eu\n${prepared}${script}`], {
      cwd: folder.path,
      env,
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^deployed [\w-]+$/m);
  });
});
