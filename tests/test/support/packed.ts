import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT, run } from "./run.ts";

/** The packages that are published, each after those that it builds upon. */
export const PACKAGES = ["tensor", "cnn", "cifar", "faas-handler"].map((name) => join(ROOT, "packages", name));

/** A package's archive as `npm publish` would send it. */
export interface Packed {
  readonly name: string;
  readonly file: string;
  /** Paths inside, sorted. */
  readonly contents: readonly string[];
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Folders of all packages that these need at run time, themselves included, where they are installed here. */
export function withDependencies(folders: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    for (const name of Object.keys(dependencies)) visit(installed(name, folder));
  };
  for (const folder of folders) visit(folder);
  return [...found];
}

/** Where Node finds a package when asked from a folder. */
function installed(name: string, from: string): string {
  const own = PACKAGES.find((folder) => `@cifar/${folder.slice(folder.lastIndexOf("packages") + 9)}` === name);
  if (own !== undefined) return own;
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, "node_modules", name);
    if (existsSync(join(place, "package.json"))) return place;
    if (folder === dirname(folder)) throw new Error(`${name}, which ${from} needs, is not installed`);
  }
}

/** Packs packages without building them. */
export async function pack(folders: readonly string[], destination: string): Promise<Packed[]> {
  const words = ["pack", ...folders, "--ignore-scripts", "--json", "--pack-destination", destination];
  const { status, stdout, stderr } = await run("npm", words, { cwd: ROOT });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  const answer = JSON.parse(stdout) as { name: string; filename: string; files: { path: string }[] }[];
  return answer.map(({ name, filename, files }) => ({
    name,
    // Older versions of npm answer with the scope's slash still in the file's name.
    file: join(destination, filename.replace("@", "").replace("/", "-")),
    contents: files.map(({ path }) => path).sort(),
  }));
}
