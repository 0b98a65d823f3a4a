import { execFile } from "node:child_process";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** A package could not be had. */
export class NotInstalled extends Error {
  override readonly name = "NotInstalled";
}

/**
 * Installs packages alone into a new folder, without install scripts, which could fetch and run anything.
 * @param packages what `npm install` takes: names with versions, or packed files
 * @throws NotInstalled if npm fails, as without a network
 */
export async function installAlone(folder: string, packages: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{"private":true,"type":"module"}\n');
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"];
  try {
    await run("npm", ["install", ...flags, ...packages], { cwd: folder });
    // npm's own list of what it installed is no part of it.
    await rm(join(folder, "node_modules", ".package-lock.json"), { force: true });
  } catch (error) {
    const code = /^npm error code (\w+)/m.exec((error as { stderr?: string }).stderr ?? "")?.[1];
    throw new NotInstalled(`npm could not install ${packages.join(" ")}${code === undefined ? "" : ` (${code})`}`);
  }
}

/** Packs the engine's two packages as they would be published, and returns the packed files. */
export async function packEngine(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const workspaces = ["--workspace", "@cifar/tensor", "--workspace", "@cifar/cnn"];
  const { stdout } = await run(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, ...workspaces],
    {
      cwd: repository,
    },
  );
  return packedFiles(JSON.parse(stdout)).map((filename) => join(folder, filename));
}

/** npm 11 lists packed packages by name, earlier ones in an array. */
function packedFiles(report: unknown): readonly string[] {
  return Object.values(report as Record<string, { filename: string }>).map(({ filename }) => filename);
}

/** Puts a contestant's program, with the modules beside it that it imports, where it finds what is installed. */
export async function placeAgent(folder: string, agent: string): Promise<string> {
  const filter = (path: string) => !/node_modules|package(-lock)?\.json$/.test(relative(dirname(agent), path));
  await cp(dirname(agent), folder, { recursive: true, filter });
  return join(folder, basename(agent));
}
