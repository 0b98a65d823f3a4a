import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { didYouMean } from "../did-you-mean.js";
import { CifarError, reasonOf } from "../errors.js";
import { shellWord } from "../shell-word.js";
import { foreignClasses, loadBinaryFolder } from "./binary-folder.js";
import { type DataSplits, loadCifar10 } from "./cifar10.js";
import { CIFAR10_BINARY_VERSION } from "./cifar10-files.js";
import type { FetchOptions } from "./fetch.js";
import { describeFolder, holdsPictureFolders } from "./folder-layout.js";
import { holdsBinaryVersion, placeOfCifar10 } from "./locate.js";
import { loadPictureFolder } from "./picture-folder.js";
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
  if (data !== undefined) await checkFolder(data);
  const { directory } = placeOfCifar10(data);
  if (holdsBinaryVersion(directory)) {
    const classes = await foreignClasses(directory);
    if (classes !== undefined) return loadBinaryFolder(directory, classes);
  } else if (data !== undefined) {
    if (await holdsPictureFolders(data)) return loadPictureFolder(data, options.onNotice);
    throw new CifarError(
      "NOT_FOUND",
      `${data}: expected a subfolder of PNG or JPEG pictures for each class, or ${CIFAR10_BINARY_VERSION} ` +
        `(cifar data fetch --folder ${shellWord(data)} downloads them), found neither: ${await describeFolder(data)}`,
    );
  }
  return loadCifar10({ ...(data !== undefined && { directory: data }), download: options.download });
}

/** @throws CifarError NOT_FOUND saying what is there instead */
async function checkFolder(path: string): Promise<void> {
  let reason: string;
  try {
    if ((await stat(path)).isDirectory()) return;
    reason = "it is a file, not a folder";
  } catch (error) {
    reason = reasonOf(error);
  }
  const meant = didYouMean(basename(path), ["shapes"]);
  throw new CifarError("NOT_FOUND", `${path}: expected a folder of data, or the word shapes: ${reason}${meant}`);
}
