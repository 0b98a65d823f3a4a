import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import setup, { build } from "../../vitest.build.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

describe("before its tests run, a package", () => {
  let folder: string;
  const write = (name: string, content: object | string) =>
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  const built = () => readFileSync(join(folder, "dist/index.js"), "utf8");

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "build-"));
    write("package.json", { name: "toy", type: "module", scripts: { build: "tsc --build" } });
    write("tsconfig.json", {
      compilerOptions: {
        composite: true,
        types: [],
        lib: ["ES5"],
        skipLibCheck: true,
        module: "NodeNext",
        outDir: "dist",
      },
      include: ["*.ts"],
    });
    write("index.ts", "export const answer: number = 41;\n");
    build(folder);
    expect(built()).toContain("answer = 41");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is built where its dist is older than its source, and again before tests are run again", () => {
    write("index.ts", "export const answer: number = 42;\n");
    let again = () => {};
    setup({ config: { root: folder }, onTestsRerun: (run) => (again = run) });
    expect(built()).toContain("answer = 42");
    write("index.ts", "export const answer: number = 43;\n");
    again();
    expect(built()).toContain("answer = 43");
  });

  it("is refused in one line where its source does not build", () => {
    write("index.ts", 'export const answer: number = "42";\n');
    const run = () => setup({ config: { root: folder }, onTestsRerun() {} });
    expect(run).toThrow(
      /^toy: its tests would run a dist that is older than src, which does not build: index\.ts\(1,14\): error TS2322: .+$/,
    );
    // A second try does not take what the first has left for built.
    expect(run).toThrow(/^toy: /);
  });
});

/** The folders of all packages that have tests, and how they run them. */
function testedPackages() {
  const query = execFileSync("npm", ["query", ".workspace"], { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 });
  const packages = JSON.parse(query) as readonly {
    readonly name: string;
    readonly realpath: string;
    readonly scripts: Readonly<Record<string, string>>;
  }[];
  return packages.flatMap(({ name, realpath, scripts = {} }) =>
    Object.entries(scripts)
      .filter(([script, command]) => ["test", "fuzz"].includes(script) && command.startsWith("vitest run"))
      .map(([, command]) => ({ name, command, folder: realpath })),
  );
}

it("every package's tests and fuzz suites run with that", async () => {
  const packages = testedPackages();
  expect(packages.length).toBeGreaterThan(6);
  for (const { name, command, folder } of packages) {
    const [, , , config = "vitest.config.ts"] = command.split(" ");
    const { default: options } = (await import(join(folder, config))) as {
      readonly default: { readonly test: { readonly globalSetup?: readonly string[] } };
    };
    expect(options.test.globalSetup, `${name}: ${command}`).toEqual([join(ROOT, "vitest.build.ts")]);
  }
});
