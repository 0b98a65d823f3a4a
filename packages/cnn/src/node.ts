import { readFile } from "node:fs/promises";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
import { CnnError } from "./errors.js";
import type { ReadOptions } from "./limits.js";
import { type LoadedModel, loadModel, type ModelCard, saveModel } from "./model-file.js";
import { writeFileAtomic } from "./platform/write-file.js";
import type { Sequential } from "./sequential.js";

export { availableThreads } from "./platform/node.js";
export { throughLinks, writeFileAtomic } from "./platform/write-file.js";

/** @throws CnnError INVALID_FILE naming the file; the file system's error if it cannot be read */
export function readModelFile(path: string, options: ReadOptions = {}): Promise<LoadedModel> {
  return readAs(path, (bytes) => loadModel(bytes, options));
}

/** @throws CnnError INVALID_FILE naming the file; the file system's error if it cannot be read */
export function readCheckpointFile(path: string, options: ReadOptions = {}): Promise<Checkpoint> {
  return readAs(path, (bytes) => decodeCheckpoint(bytes, options));
}

/**
 * Writes a model file as {@link writeFileAtomic} does.
 * @throws CnnError as `saveModel`; the file system's error if it cannot be written
 */
export async function writeModelFile(
  path: string,
  model: Sequential,
  card: ModelCard,
  options: { readonly dtype?: "F32" | "F16" } = {},
): Promise<void> {
  await writeFileAtomic(path, saveModel(model, card, options));
}

/**
 * Writes a checkpoint as {@link writeFileAtomic} does.
 * @throws the file system's error if it cannot be written
 */
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
