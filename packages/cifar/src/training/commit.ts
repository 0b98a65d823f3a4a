import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** SHA-1, or SHA-256 in repositories that use it. */
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The commit of this repository that is checked out, or what `CIFAR_COMMIT` says; undefined where the package is
 * installed rather than cloned. A run keeps it to say what made it. See gitrepository-layout(5).
 */
export function commitOfSources(
  repository = fileURLToPath(new URL("../../../../", import.meta.url)),
): string | undefined {
  const { CIFAR_COMMIT: given } = process.env;
  if (given !== undefined && given !== "") return given;
  const git = folderOfGit(repository);
  const head = read(join(git, "HEAD"))?.trim();
  const reference = head?.startsWith("ref: ") ? head.slice(5) : undefined;
  return commitIn(reference === undefined ? head : commitOf(reference, git));
}

/** `.git`, or the folder that it names where it is a file: in worktrees and submodules. */
function folderOfGit(repository: string): string {
  const path = join(repository, ".git");
  const named = /^gitdir: (.+)$/m.exec(read(path) ?? "")?.[1];
  return named === undefined ? path : resolve(repository, named);
}

/** Branches are those of the whole repository, which a worktree names in `commondir`. */
function commitOf(reference: string, git: string): string | undefined {
  const common = resolve(git, read(join(git, "commondir"))?.trim() ?? ".");
  const loose = read(join(common, reference))?.trim();
  if (loose !== undefined) return loose;
  const packed = read(join(common, "packed-refs"))?.split("\n");
  return packed?.find((line) => line.endsWith(` ${reference}`))?.split(" ")[0];
}

function commitIn(text: string | undefined): string | undefined {
  return text !== undefined && COMMIT.test(text) ? text : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // no repository here
  }
}
