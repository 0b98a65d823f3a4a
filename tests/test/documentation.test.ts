import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../../packages/cifar/src/cli/program.ts";
import {
  type Block,
  blocksOf,
  cifarCommands,
  linksOf,
  NEEDS,
  PAGES,
  readPage,
  SHELLS,
  scriptsOf,
} from "./support/blocks.ts";
import { drawnPngs, writeModelOf } from "./support/pictures.ts";
import { ROOT, run } from "./support/run.ts";
import { openWorkFolder, type WorkFolder } from "./support/work-folder.ts";

const commands = PAGES.flatMap((page) => blocksOf(page).flatMap(cifarCommands));
/** The scripts of the repository and of its packages. */
const SCRIPTS = ["", ...readdirSync(join(ROOT, "packages")).map((name) => join("packages", name))].flatMap((folder) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as { scripts: object };
  return Object.keys(scripts);
});

describe.each(PAGES)("%s", (page) => {
  const blocks = blocksOf(page);

  it("has no link to a file that is not there", () => {
    const broken = linksOf(readPage(page)).filter((link) => !existsSync(join(ROOT, dirname(page), link)));
    expect(broken).toEqual([]);
  });

  it("names no script that npm does not know", () => {
    expect(scriptsOf(readPage(page)).filter((name) => !SCRIPTS.includes(name))).toEqual([]);
  });

  const excerpts = blocks.filter(({ note }) => note !== undefined && existsSync(join(ROOT, note)));
  it.each(excerpts)("quotes $note as it is (line $line)", ({ note, code }) => {
    expect(readFileSync(join(ROOT, note!), "utf8")).toContain(code);
  });

  it("marks shell blocks with words that are known", () => {
    const notes = blocks.filter(({ language }) => SHELLS.includes(language)).flatMap(({ note }) => note ?? []);
    expect(notes.filter((note) => !NEEDS.includes(note))).toEqual([]);
  });
});

describe("the packages' pages, which npm shows without the repository around them", () => {
  it.each(PAGES.filter((page) => page.startsWith("packages/")))("%s links to no file", (page) => {
    expect(linksOf(readPage(page))).toEqual([]);
  });
});

describe("the command lines of the documentation", () => {
  it("are found", () => expect(commands.length).toBeGreaterThan(15));

  // The help of `serve` is another package's; its flags are checked below.
  it.each(commands.map((words) => ({ words, line: words.join(" ") })))("cifar $line: is valid", ({ words }) => {
    const program = createProgram();
    let called = 0;
    for (const command of program.commands.flatMap((each) => (each.commands.length > 0 ? each.commands : [each]))) {
      command.action(() => {
        called++;
      });
    }
    if (words.includes("--help")) {
      expect(() => program.configureOutput({ writeOut: () => {} }).parse(words, { from: "user" })).toThrow(
        "outputHelp",
      );
      return;
    }
    program.parse(words, { from: "user" });
    expect(called).toBe(1);
  });

  it("classify a picture that every clone has as what its name says", async () => {
    const words = blocksOf("README.md")
      .flatMap(cifarCommands)
      .find(([name]) => name === "classify")!;
    const { stdout, stderr } = await run(process.execPath, ["packages/cifar/bin/cifar.js", ...words], { cwd: ROOT });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/airplane\.png +airplane +airplane \d/);
  });

  it("give `cifar serve` flags that it has", async () => {
    const { stdout } = await run(process.execPath, ["packages/cifar/bin/cifar.js", "serve", "--help"], { cwd: ROOT });
    const flags = commands.filter(([name]) => name === "serve").flatMap((words) => words.filter((w) => /^--/.test(w)));
    expect(flags.length).toBeGreaterThan(0);
    expect(flags.filter((flag) => !stdout.includes(`${flag} `))).toEqual([]);
  });
});

describe("the programs in pages", () => {
  let folder: WorkFolder;
  beforeAll(async () => {
    folder = await openWorkFolder();
    const [png] = drawnPngs(1);
    // A reader's own files, and their secret.
    await writeFile(join(folder.path, "picture.jpg"), png!);
    await writeFile(join(folder.path, "token"), "secret\n");
    await writeModelOf(["no", "yes"], join(folder.path, "model.safetensors"));
  });
  afterAll(() => folder.remove());

  const isProgram = ({ language, note }: Block) =>
    (language === "ts" || language === "js") && (note === undefined || !note.includes("/"));
  const programs = PAGES.filter((page) => !page.startsWith("docs/tutorials/")).flatMap((page) =>
    blocksOf(page)
      .filter(isProgram)
      .map(({ language, code, line }) => ({ page, language, code, line })),
  );

  it("are found", () => expect(programs.length).toBeGreaterThan(5));

  it.concurrent.each(programs)("$page, line $line: runs", async ({ page, language, code, line }) => {
    const file = join(folder.path, `${page.replaceAll("/", "-")}-${line}.mjs`);
    const here = code.replace("/var/openfaas/secrets/", `${folder.path}/`).replace("listen(8080)", "listen(0)");
    await mkdir(dirname(file), { recursive: true });
    // What is called JavaScript has to run as it stands.
    const loader = language === "js" ? "js" : "ts";
    await writeFile(file, transformSync(here, { loader, format: "esm", target: "node20" }).code);
    const { status, stderr } = await run(process.execPath, [file], { cwd: folder.path, env: { log_level: "error" } });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
