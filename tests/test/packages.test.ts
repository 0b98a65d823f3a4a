import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKAGES, type Packed, pack, withDependencies } from "./support/packed.ts";
import { drawnPngs } from "./support/pictures.ts";
import { ROOT, run } from "./support/run.ts";

/** What any package may hold, and what some hold beside it. */
const EVERYWHERE = /^(LICENSE|README\.md|package\.json|src\/.+\.ts|dist\/.+\.(js|d\.ts)(\.map)?)$/;
const MORE: Readonly<Record<string, RegExp>> = {
  "@cifar/cifar": /^(bin\/cifar\.js|models\/cifar10\.safetensors)$/,
  "@cifar/faas-handler":
    /^(bin\/cifar-serve\.js|page\/(index\.html|page\.ts|style\.css)|dist\/runtime\/(LICENSES\.txt|package\.json|[\w-]+\.mjs))$/,
};

/** Every way into the packages, as a program names it. */
const ENTRIES = PACKAGES.flatMap((folder) => {
  const { name, exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    exports: object;
  };
  const ways = Object.keys(exports).filter((way) => way !== "./package.json");
  return ways.map((way) => name + way.slice(1));
});

/** This Node, and those that CIFAR_OTHER_NODES names, separated by colons. */
const NODES = [process.execPath, ...(process.env["CIFAR_OTHER_NODES"] ?? "").split(":").filter((path) => path !== "")]
  .filter((path) => existsSync(path))
  .map((node) => ({
    node,
    major: Number.parseInt(execFileSync(node, ["-p", "process.versions.node"]).toString(), 10),
  }));
const missing = [20, 22, 24].filter((wanted) => NODES.every(({ major }) => major !== wanted));
const skipped = missing.length > 0 ? ` (skipped: CIFAR_OTHER_NODES names no Node ${missing.join(", no ")})` : "";

/** A TypeScript, in a folder where it is installed. */
function compilerIn(folder: string): { readonly version: string; readonly tsc: string } {
  const installed = join(folder, "node_modules", "typescript");
  const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { version: string };
  return { version, tsc: join(installed, "bin", "tsc") };
}

/** The one that compiles the packages, and the lowest one that takes their types. */
const CURRENT = compilerIn(ROOT);
const LOWEST = compilerIn(join(ROOT, "consumer"));

let base = "";
let project = "";
let packed: readonly Packed[] = [];

/** Installs the packages into an empty project, without a network and without npm's cache. */
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "cifar-packages-"));
  project = join(base, "project");
  await mkdir(project);
  await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
  // What a registry would send for the dependencies is taken from where they are installed.
  packed = await pack(withDependencies(PACKAGES), base);
  const flags = ["--offline", "--cache", join(base, "cache"), "--no-audit", "--no-fund", "--ignore-scripts"];
  const { status, stderr } = await run("npm", ["install", ...flags, ...packed.map(({ file }) => file)], {
    cwd: project,
  });
  if (status !== 0) throw new Error(`npm install: ${stderr}`);
});
afterAll(() => rm(base, { recursive: true }));

describe.each(
  PACKAGES.map((folder) => ({ folder, name: `@cifar/${folder.slice(folder.lastIndexOf("packages") + 9)}` })),
)("$name, packed", ({ name }) => {
  const contents = (): readonly string[] => packed.find((each) => each.name === name)?.contents ?? [];

  it("holds only what it should", () => {
    const strange = contents().filter((path) => !EVERYWHERE.test(path) && !MORE[name]?.test(path));
    expect(strange).toEqual([]);
  });

  it("holds its licence, and a program with types and a map for each source", () => {
    expect(contents()).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const sources = contents().filter((path) => path.startsWith("src/"));
    expect(sources.length).toBeGreaterThan(0);
    const built = sources.flatMap((path) =>
      [".js", ".js.map", ".d.ts"].map((end) => path.replace("src/", "dist/").replace(/\.ts$/, end)),
    );
    expect(built.filter((path) => !contents().includes(path))).toEqual([]);
  });
});

describe("installed in an empty project", () => {
  it("brings no native binding and no install script", async () => {
    const { stdout } = await run("npm", ["query", ":attr(scripts, [install]), :attr(scripts, [postinstall])"], {
      cwd: project,
    });
    expect(JSON.parse(stdout)).toEqual([]);
    expect(
      packed.flatMap(({ contents }) => contents.filter((path) => /\.(node|gyp|so|dll|dylib)$/.test(path))),
    ).toEqual([]);
  });

  it.each(NODES)(`imports, classifies and runs the command on Node $major${skipped}`, async ({ node }) => {
    const [png] = drawnPngs(1);
    await writeFile(join(project, "picture.png"), png!);
    await writeFile(
      join(project, "program.js"),
      `import { readFile } from "node:fs/promises";
import { decodePicture, pretrained, toInput } from "@cifar/cifar";
import { createPredictor } from "@cifar/cnn";
for (const entry of ${JSON.stringify(ENTRIES)}) await import(entry);
const { model, card } = await pretrained();
const predictor = await createPredictor(model, card);
const [answer] = await predictor.classify(toInput(decodePicture(await readFile("picture.png")), 32));
predictor.close();
console.log(answer.label);
`,
    );
    const program = await run(node, ["program.js"], { cwd: project });
    expect(program.stderr).toBe("");
    const command = (name: string, ...words: string[]) =>
      run(node, [join("node_modules", ".bin", name), ...words], { cwd: project });
    const classified = await command("cifar", "classify", "--json", "picture.png");
    expect(classified.status, classified.stderr).toBe(0);
    const [answer] = JSON.parse(classified.stdout) as { label: string }[];
    expect(program.stdout.trim()).toBe(answer?.label);
    expect((await command("cifar", "serve", "--help")).stdout).toMatch(/^Usage: cifar serve/);
    expect((await command("cifar-serve", "--help")).stdout).toMatch(/^Usage: cifar serve/);
  });

  it("is imported from a bundle of CommonJS, where modules have no address", async () => {
    // A second server of the same program cannot be part of that program.
    const entries = ENTRIES.filter((entry) => entry !== "@cifar/faas-handler/serve");
    const contents = entries.map((entry, n) => `import * as entry${n} from "${entry}"; console.log(typeof entry${n});`);
    const outfile = join(project, "bundle.cjs");
    const stdin = { contents: contents.join("\n"), resolveDir: project };
    await build({ stdin, outfile, bundle: true, platform: "node", format: "cjs", logLevel: "error" });
    const { stdout, stderr } = await run(process.execPath, [outfile], { cwd: project });
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual(entries.map(() => "object"));
  });

  it.concurrent.each([
    { compiler: CURRENT, module: "node16", lib: ["ES2023"] },
    { compiler: CURRENT, module: "preserve", lib: ["ES2023", "DOM"] },
    { compiler: LOWEST, module: "node16", lib: ["ES2023", "DOM"] },
    { compiler: LOWEST, module: "preserve", lib: ["ES2023"] },
  ])(
    "gives its types to the strictest of programs: $compiler.version, module $module, lib $lib",
    async ({ compiler, module, lib }) => {
      const folder = join(project, `${compiler.version}-${module}`);
      await mkdir(folder);
      const imports = ENTRIES.map((entry, index) => `import * as entry${index} from "${entry}";`);
      await writeFile(
        join(folder, "program.ts"),
        `${imports.join("\n")}
import { decodePicture, pretrained, toInput } from "@cifar/cifar";
import { type Classification, createPredictor } from "@cifar/cnn";
export const entries: readonly object[] = [${ENTRIES.map((_, index) => `entry${index}`).join(", ")}];
export async function classify(file: Uint8Array): Promise<Classification | undefined> {
  const { model, card } = await pretrained();
  const predictor = await createPredictor(model, card);
  const [answer] = await predictor.classify(toInput(decodePicture(file), 32), { top: 3 });
  // @ts-expect-error: a type that is not there would let this pass
  predictor.classify("no bytes");
  return answer;
}
`,
      );
      const options = {
        module,
        moduleResolution: module === "preserve" ? "bundler" : module,
        target: "ES2022",
        lib,
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        skipDefaultLibCheck: true,
        noEmit: true,
        types: ["node"],
        typeRoots: [join(ROOT, "node_modules", "@types")],
      };
      await writeFile(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions: options, files: ["program.ts"] }),
      );
      const { status, stdout } = await run(compiler.tsc, ["-p", folder], { cwd: project });
      expect(stdout).toBe("");
      expect(status).toBe(0);
    },
  );

  it("says which TypeScript is the lowest", () => {
    const [, lowest] = /^(\d+\.\d+)\./.exec(LOWEST.version) ?? [];
    expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain(`TypeScript ${lowest}`);
    expect(readFileSync(join(project, "node_modules/@cifar/cnn/README.md"), "utf8")).toContain(`TypeScript ${lowest}`);
  });
});
