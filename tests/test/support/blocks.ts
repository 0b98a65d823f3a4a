import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { ROOT } from "./run.ts";

/**
 * A block of code in a page. After the language may stand what a reader does not see:
 * - a path: the block is an excerpt of that file, word for word, or, in a tutorial, a file that the reader writes;
 * - after `sh` one of {@link NEEDS}.
 */
export interface Block {
  readonly language: string;
  readonly note: string | undefined;
  readonly code: string;
  readonly line: number;
}

/** The pages that readers are sent to, relative to the repository's root; not the API reference, which is made. */
export const PAGES: readonly string[] = ["", "docs", "packages", "examples"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: folder === "docs" })
      .map((name) => posix.join(folder, String(name).replaceAll("\\", "/")))
      .map((path) => (path.endsWith(".md") ? path : posix.join(path, "README.md"))),
  )
  .filter((path) => existsSync(join(ROOT, path)) && !/^(docs\/api|node_modules|bench|tests)\//.test(path));

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

export function blocksOf(page: string): Block[] {
  const text = readPage(page);
  return [...text.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(({ 1: language, 2: note, 3: code, index }) => ({
    language: language!,
    note,
    code: code!,
    line: text.slice(0, index).split("\n").length,
  }));
}

/** What a shell block may need that is not on every machine; `checkout` is a clone of this repository. */
export const NEEDS = ["cluster", "checkout", "pytorch"];

export const SHELLS = ["sh", "bash", "console"];

/** The words after `npx cifar`, or the command by its path, in every line of a shell block. */
export function cifarCommands({ language, code }: Block): string[][] {
  if (!SHELLS.includes(language)) return [];
  const lines = code.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => {
    const found = /(?:^|[\s|;])(?:npx |node_modules\/\.bin\/)cifar((?:\s+(?:'[^']*'|"[^"]*"|[^\s#|&;]+))*)/.exec(line);
    if (found === null) return [];
    return [
      [...found[1]!.matchAll(/'([^']*)'|"([^"]*)"|\S+/g)].map(([word, single, double]) => single ?? double ?? word),
    ];
  });
}

/** Paths of a page's links to files of the repository, without the part after `#`. */
export function linksOf(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!.replace(/#.*$/, ""));
  return targets.filter((target) => target !== "" && !/^\w+:/.test(target));
}

/** Names of npm's scripts in a page. */
export function scriptsOf(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(([, script, short]) => script ?? short!);
}
