import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAGES, readPage } from "./support/blocks.ts";
import { ROOT, run } from "./support/run.ts";

interface Manifest {
  readonly repository: { readonly type: string; readonly url: string; readonly directory?: string };
  readonly homepage?: string;
  readonly bugs?: { readonly url: string };
  readonly keywords?: readonly string[];
}

const PACKAGES = readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}`);
const manifestOf = (folder: string, root = ROOT): Manifest =>
  JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
/** The one setting, as it is cloned and as it is browsed. */
const CLONE = manifestOf(".").repository.url.replace(/^git\+/, "");
const WEB = CLONE.replace(/\.git$/, "");

describe.each(PACKAGES)("%s", (folder) => {
  const manifest = manifestOf(folder);

  it("says where it comes from, as the root's package.json has it", () => {
    expect(manifest).toMatchObject({
      repository: { type: "git", url: `git+${CLONE}`, directory: folder },
      homepage: `${WEB}/tree/main/${folder}#readme`,
      bugs: { url: `${WEB}/issues` },
    });
  });

  it("can be found by the words of its field", () => {
    const { keywords = [] } = manifest;
    expect(keywords.length).toBeGreaterThan(4);
    expect(new Set(keywords).size).toBe(keywords.length);
  });
});

describe("the pages", () => {
  it("pull the template from there", () => {
    const sources = PAGES.flatMap((page) =>
      [...readPage(page).matchAll(/faas-cli template pull (\S+)/g)].map(([, source]) => source),
    );
    expect(sources.length).toBeGreaterThan(1);
    expect([...new Set(sources)]).toEqual([CLONE]);
  });
});

describe("scripts/repository.js", () => {
  const FILES = ["package.json", ...PACKAGES.map((folder) => `${folder}/package.json`), ...PAGES];
  let copy = "";
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), "cifar-repository-"));
    for (const file of [...FILES, "scripts/repository.js"]) await cp(join(ROOT, file), join(copy, file));
  });
  afterAll(() => rm(copy, { recursive: true }));

  const write = async (words: readonly string[], repository: string): Promise<void> => {
    const env = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: repository };
    const { status, stderr } = await run(process.execPath, ["scripts/repository.js", ...words], { cwd: copy, env });
    expect(status, stderr).toBe(0);
  };
  const changed = async (): Promise<string[]> => {
    const same = await Promise.all(
      FILES.map(async (file) => (await readFile(join(copy, file))).equals(await readFile(join(ROOT, file)))),
    );
    return FILES.filter((_, index) => !same[index]);
  };

  it("changes nothing where the address is what it was", async () => {
    await write([], "");
    expect(await changed()).toEqual([]);
  });

  it("writes the address of the workflow's repository wherever the old one was, and back", async () => {
    await write([], "someone/cifar");
    for (const folder of PACKAGES) {
      expect(manifestOf(folder, copy)).toMatchObject({
        repository: { url: "git+https://github.com/someone/cifar.git", directory: folder },
        homepage: `https://github.com/someone/cifar/tree/main/${folder}#readme`,
        bugs: { url: "https://github.com/someone/cifar/issues" },
      });
    }
    const texts = FILES.map((file) => readFileSync(join(copy, file), "utf8"));
    expect(FILES.filter((_, index) => texts[index]!.includes(WEB))).toEqual([]);
    expect(texts.join("").match(/template pull https:\/\/github\.com\/someone\/cifar\.git$/gm)?.length).toBeGreaterThan(
      1,
    );
    await write([CLONE], "someone/cifar");
    expect(await changed()).toEqual([]);
  });

  it.each(["release-version.js", "release-publish.js"])("is part of %s", (name) => {
    const text = readFileSync(join(ROOT, "scripts", name), "utf8");
    expect(text).toMatch(/^writeRepository\(/m);
  });
});
