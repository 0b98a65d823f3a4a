import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { CifarError, reasonOf } from "../errors.js";
import { RECORD_BYTES } from "./binary-format.js";
import type { DataFile } from "./cifar10-files.js";

/** What is read at a time: whole records, and little beside the pictures that are made of them. */
const CHUNK_BYTES = 1000 * RECORD_BYTES;

/**
 * Checks that files are in a folder and what they should be.
 * @throws CifarError NOT_FOUND, INVALID_DATA
 */
export async function verifyFiles(directory: string, files: readonly DataFile[]): Promise<void> {
  for (const file of files) await readVerified(directory, file, () => {});
}

/**
 * Reads a file and checks its size and its SHA-256.
 * @param take gets the file's records, some at a time, in memory that is used again; what it got is worth nothing if this
 *   rejects
 * @throws CifarError NOT_FOUND, INVALID_DATA naming the file, what was expected and what was found
 */
export async function readVerified(
  directory: string,
  file: DataFile,
  take: (records: Uint8Array) => void,
): Promise<void> {
  const path = join(directory, file.name);
  const hash = createHash("sha256");
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    // The size first: it is the clearest word on a file that is cut.
    const { size } = await handle.stat();
    if (size !== file.size) {
      throw new CifarError("INVALID_DATA", `${path}: expected ${file.size} bytes, found ${size}`);
    }
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size));
    for (;;) {
      const bytes = await fill(handle, chunk);
      if (bytes.length === 0) break;
      hash.update(bytes);
      take(bytes);
    }
  } catch (error) {
    if (error instanceof CifarError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CifarError(
      missing ? "NOT_FOUND" : "INVALID_DATA",
      `${path}: expected a file of ${file.size} bytes, ${missing ? "found none" : `but ${reasonOf(error)}`}`,
      { cause: error },
    );
  } finally {
    await handle?.close();
  }
  const found = hash.digest("hex");
  if (found !== file.sha256) {
    throw new CifarError("INVALID_DATA", `${path}: expected SHA-256 ${file.sha256}, found ${found}`);
  }
}

/** As many of a file's next bytes as fit: a single read may bring fewer. */
async function fill(handle: FileHandle, chunk: Uint8Array): Promise<Uint8Array> {
  let filled = 0;
  while (filled < chunk.length) {
    const { bytesRead } = await handle.read(chunk, filled, chunk.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return chunk.subarray(0, filled);
}
