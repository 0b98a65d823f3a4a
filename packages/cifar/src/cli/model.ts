import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { CnnError, type LoadedModel } from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import { CifarError, reasonOf } from "../errors.js";
import { beginsAsSafetensors, kindOf } from "../file-kind.js";
import { pretrained } from "../pretrained.js";
import { runFiles } from "../training/run-folder.js";

const EXPECTED = "expected a model file (.safetensors) or the folder of a run";

/**
 * The model that a user names: a model file, or the folder of a run; the package's own without a name.
 * @throws CifarError NOT_FOUND, INVALID_DATA; CnnError INVALID_FILE
 */
export async function openModel(path: string | undefined): Promise<LoadedModel> {
  if (path === undefined) return pretrained();
  let file = path;
  try {
    if ((await stat(path)).isDirectory()) file = runFiles(path).model;
    return await readModelFile(file);
  } catch (cause) {
    if (cause instanceof CnnError && cause.code === "INVALID_FILE") {
      // What is wrong inside a file helps only where the file is of this kind at all.
      const bytes = await readFile(file);
      if (beginsAsSafetensors(bytes)) throw cause;
      throw new CifarError("INVALID_DATA", `${file}: ${EXPECTED}, found ${kindOf(bytes)}`, { cause });
    }
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    const isMissing = file !== path && (cause as NodeJS.ErrnoException).code === "ENOENT";
    const reason = isMissing ? `there is no ${basename(file)} in it, as a run leaves it at its end` : reasonOf(cause);
    throw new CifarError("NOT_FOUND", `${path}: ${EXPECTED}: ${reason}`, { cause });
  }
}
