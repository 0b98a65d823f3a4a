import { stat } from "node:fs/promises";
import type { LoadedModel } from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import { CifarError, reasonOf } from "../errors.js";
import { pretrained } from "../pretrained.js";
import { runFiles } from "../training/run-folder.js";

/**
 * The model that a user names: a model file, or the folder of a run; the package's own without a name.
 * @throws CifarError NOT_FOUND; CnnError INVALID_FILE
 */
export async function openModel(path: string | undefined): Promise<LoadedModel> {
  if (path === undefined) return pretrained();
  try {
    const isFolder = (await stat(path)).isDirectory();
    return await readModelFile(isFolder ? runFiles(path).model : path);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new CifarError("NOT_FOUND", `${path}: expected a model file or the folder of a run: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
