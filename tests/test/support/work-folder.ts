import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ROOT } from "./run.ts";

/**
 * `npx` and `npm install` as a reader of the documentation has them once the packages are installed: `npx` runs what this
 * repository has, and `npm install` only checks that the packages named are here.
 */
const STAND_INS = {
  npx: `exec "${ROOT}/node_modules/.bin/$@"`,
  npm: `[ "$1" = install ] || exit 1
shift
for name in "$@"; do [ -d "${ROOT}/node_modules/$name" ] || { echo "no package $name" >&2; exit 1; }; done`,
};

/** An empty folder outside the repository in which its packages can be imported and run. */
export interface WorkFolder {
  readonly path: string;
  /** For {@link run}: PATH with the stand-ins in front. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

export async function openWorkFolder(): Promise<WorkFolder> {
  const base = await mkdtemp(join(tmpdir(), "cifar-"));
  const [path, programs] = [join(base, "work"), join(base, "bin")];
  await mkdir(path);
  await mkdir(programs);
  await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
  for (const [name, script] of Object.entries(STAND_INS)) {
    await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(programs, name), 0o755);
  }
  return {
    path,
    env: { PATH: `${programs}${delimiter}${process.env["PATH"] ?? ""}` },
    remove: () => rm(base, { recursive: true }),
  };
}
