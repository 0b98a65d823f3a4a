import { stat } from "node:fs/promises";
import { CifarError } from "../errors.js";
import { foreignClasses, loadBinaryFolder } from "./binary-folder.js";
import { type DataSplits, loadCifar10 } from "./cifar10.js";
import type { FetchOptions } from "./fetch.js";
import { holdsBinaryVersion, placeOfCifar10 } from "./locate.js";
import { holdsPictureFolders, loadPictureFolder } from "./picture-folder.js";
import { shapesSplits } from "./shapes.js";

export interface SourceOptions {
  /** What to fetch CIFAR-10 with where it is not there; `false`: not at all. */
  readonly download: FetchOptions | false;
  /** Gets a line for whatever is left out or done differently. */
  readonly onNotice: (line: string) => void;
}

/**
 * Data by what a user writes after `--data`.
 * @param data `shapes`; a folder with CIFAR-10's binary version, or with other pictures in the same format; a folder
 *   whose subfolders are the classes; undefined: CIFAR-10 wherever it is found
 * @throws CifarError NOT_FOUND, INVALID_DATA, DOWNLOAD_FAILED
 */
export async function loadData(data: string | undefined, options: SourceOptions): Promise<DataSplits> {
  if (data === "shapes") return shapesSplits();
  if (data !== undefined && !(await isFolder(data))) {
    throw new CifarError("NOT_FOUND", `${data}: expected a folder of data, or the word shapes, found no such folder`);
  }
  const place = placeOfCifar10(data);
  if (holdsBinaryVersion(place.directory)) {
    const classes = await foreignClasses(place.directory);
    if (classes !== undefined) return loadBinaryFolder(place.directory, classes);
  } else if (data !== undefined && (await holdsPictureFolders(data))) {
    return loadPictureFolder(data, options.onNotice);
  }
  return loadCifar10({ ...(data !== undefined && { directory: data }), download: options.download });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
