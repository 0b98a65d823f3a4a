import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CifarError, reasonOf } from "../errors.js";
import type { DataFile } from "./cifar10-files.js";

/**
 * Checks that files are in a folder and what they should be.
 * @throws CifarError NOT_FOUND, INVALID_DATA
 */
export async function verifyFiles(directory: string, files: readonly DataFile[]): Promise<void> {
  for (const file of files) await readVerified(directory, file);
}

/**
 * A file's bytes, after its size and its SHA-256 have been found right.
 * @throws CifarError NOT_FOUND, INVALID_DATA naming the file, what was expected and what was found
 */
export async function readVerified(directory: string, file: DataFile): Promise<Uint8Array> {
  const path = join(directory, file.name);
  let bytes: Uint8Array;
  try {
    // The size first: it is the clearest word on a file that is cut, and keeps a huge one out of memory.
    const { size } = await stat(path);
    if (size !== file.size) {
      throw new CifarError("INVALID_DATA", `${path}: expected ${file.size} bytes, found ${size}`);
    }
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof CifarError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CifarError(
      missing ? "NOT_FOUND" : "INVALID_DATA",
      `${path}: expected a file of ${file.size} bytes, ${missing ? "found none" : `but ${reasonOf(error)}`}`,
      { cause: error },
    );
  }
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== file.sha256) {
    throw new CifarError("INVALID_DATA", `${path}: expected SHA-256 ${file.sha256}, found ${found}`);
  }
  return bytes;
}
