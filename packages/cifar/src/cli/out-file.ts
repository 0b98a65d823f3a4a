import { fstatSync } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { CifarError } from "../errors.js";
import { writeWhole } from "../writing.js";
import type { Output } from "./output.js";

/** What stands for standard output after `--out`. */
const STDOUT = "-";

/** Where a command put what it made, as its result says it. */
export interface Written {
  /** For programs: the whole path, or `-`. */
  readonly file: string;
  /** For people. */
  readonly name: string;
}

/**
 * Writes what `--out` names: a file, whole or not at all; a device or a pipe, which stays one; `-` is standard output, and
 * the command's own text goes to stderr then.
 * @throws CifarError CANNOT_WRITE; INVALID_ARGUMENT where standard output is a terminal
 */
export async function writeOut(path: string, bytes: Uint8Array, output: Output): Promise<Written> {
  if (!(await isStdout(path))) {
    await writeWhole(path, bytes);
    return { file: resolve(path), name: path };
  }
  await output.bytes(bytes);
  return { file: STDOUT, name: "standard output" };
}

/**
 * The ending of the name after `--out`, in small letters; undefined for a name without one and for `-`.
 * @param kinds what a name may end in
 * @throws CifarError INVALID_ARGUMENT for any other one
 */
export function endingOf<T extends string>(path: string, kinds: readonly T[], hint = ""): T | undefined {
  const ending = extname(path).toLowerCase();
  if (ending === "") return undefined;
  const kind = kinds.find((each) => each === ending);
  if (kind !== undefined) return kind;
  throw new CifarError(
    "INVALID_ARGUMENT",
    `${path}: expected a name that ends in ${kinds.join(" or ")}, found ${ending}${hint}`,
  );
}

/** `-`, or a name such as /dev/stdout of what standard output is: opened once more, it would be written over. */
async function isStdout(path: string): Promise<boolean> {
  if (path === STDOUT) return true;
  try {
    const [named, stdout] = [await stat(path), fstatSync(process.stdout.fd)];
    return named.dev === stdout.dev && named.ino === stdout.ino;
  } catch {
    return false; // not there yet, or nothing to write to
  }
}
