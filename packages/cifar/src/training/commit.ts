import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The commit of this repository that is checked out, or what `CIFAR_COMMIT` says; undefined where the package is
 * installed rather than cloned. A run keeps it to say what made it.
 */
export function commitOfSources(
  repository = fileURLToPath(new URL("../../../../", import.meta.url)),
): string | undefined {
  const { CIFAR_COMMIT: given } = process.env;
  if (given !== undefined && given !== "") return given;
  const head = read(`${repository}/.git/HEAD`)?.trim();
  const reference = head?.startsWith("ref: ") ? head.slice(5) : undefined;
  if (reference === undefined) return head;
  const loose = read(`${repository}/.git/${reference}`)?.trim();
  if (loose !== undefined) return loose;
  const packed = read(`${repository}/.git/packed-refs`)?.split("\n");
  return packed?.find((line) => line.endsWith(` ${reference}`))?.split(" ")[0];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // no repository here
  }
}
