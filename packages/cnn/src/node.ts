import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
import { CnnError } from "./errors.js";
import type { ReadOptions } from "./limits.js";
import { type LoadedModel, loadModel, type ModelCard, saveModel } from "./model-file.js";
import type { Sequential } from "./sequential.js";

export { availableThreads } from "./platform/node.js";

/**
 * Writes a file so that at any moment, even if the machine is switched off, either the old or the new content is there: to
 * a temporary file beside it, flushed, then renamed.
 * @throws the file system's error (ENOSPC, EACCES, …); the temporary file is gone then
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The rename itself is safe only when the folder has been flushed; Windows knows no such thing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @throws CnnError INVALID_FILE naming the file; the file system's error if it cannot be read */
export function readModelFile(path: string, options: ReadOptions = {}): Promise<LoadedModel> {
  return readAs(path, (bytes) => loadModel(bytes, options));
}

/** @throws CnnError INVALID_FILE naming the file; the file system's error if it cannot be read */
export function readCheckpointFile(path: string, options: ReadOptions = {}): Promise<Checkpoint> {
  return readAs(path, (bytes) => decodeCheckpoint(bytes, options));
}

export async function writeModelFile(
  path: string,
  model: Sequential,
  card: ModelCard,
  options: { readonly dtype?: "F32" | "F16" } = {},
): Promise<void> {
  await writeFileAtomic(path, saveModel(model, card, options));
}

export async function writeCheckpointFile(path: string, checkpoint: Checkpoint): Promise<void> {
  await writeFileAtomic(path, encodeCheckpoint(checkpoint));
}

async function readAs<T>(path: string, decode: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await readFile(path);
  try {
    return decode(bytes);
  } catch (cause) {
    if (!(cause instanceof CnnError)) throw cause;
    throw new CnnError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}
