import type { Dataset } from "@cifar/cnn";
import { CifarError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import { decodeRecords, PICTURE_BYTES, PICTURE_SHAPE, RECORD_BYTES } from "./binary-format.js";
import {
  CIFAR10_BINARY_VERSION,
  CIFAR10_CLASSES,
  CIFAR10_TEST_FILE,
  CIFAR10_TRAIN_FILES,
  type DataFile,
} from "./cifar10-files.js";
import { type FetchOptions, fetchCifar10 } from "./fetch.js";
import { type Environment, holdsBinaryVersion, placeOfCifar10 } from "./locate.js";
import { readVerified } from "./verify.js";

/** Training and test pictures that belong together. */
export interface DataSplits {
  readonly train: Dataset;
  readonly test: Dataset;
}

export interface LoadOptions {
  /** Folder with the files, or the one above it. Default: `CIFAR10_DIR`, else the user's cache folder. */
  readonly directory?: string;
  /** What to fetch the archive with if the cache folder has no data; `false` (default): an error instead. */
  readonly download?: FetchOptions | false;
  readonly environment?: Environment;
}

/**
 * CIFAR-10 as two data sets of 50,000 and 10,000 pictures, [32, 32, 3] each. Every file is checked against its SHA-256
 * on every use: for all six that takes 0.1 s, less than reading them.
 * @throws CifarError NOT_FOUND if no data are there; INVALID_DATA naming the file, what was expected and what was found;
 *   DOWNLOAD_FAILED
 */
export async function loadCifar10(options: LoadOptions = {}): Promise<DataSplits> {
  const place = placeOfCifar10(options.directory, options.environment);
  let directory = place.directory;
  if (!holdsBinaryVersion(directory)) {
    if (place.named || options.download === undefined || options.download === false) {
      throw new CifarError(
        "NOT_FOUND",
        `no CIFAR-10 in ${directory} (${place.source}): ${CIFAR10_BINARY_VERSION} are expected there; ` +
          `cifar data fetch${place.named ? ` --folder ${shellWord(directory)}` : ""} downloads them` +
          (place.named ? "" : ", CIFAR10_DIR names another folder"),
      );
    }
    directory = await fetchCifar10(options.download);
  }
  const train = await readFiles(directory, CIFAR10_TRAIN_FILES);
  const test = await readFiles(directory, [CIFAR10_TEST_FILE]);
  return {
    train: { name: "CIFAR-10 train", classes: CIFAR10_CLASSES, ...train },
    test: { name: "CIFAR-10 test", classes: CIFAR10_CLASSES, ...test },
  };
}

/** Pictures and labels of several files of records, one after the other. */
async function readFiles(
  directory: string,
  files: readonly DataFile[],
): Promise<Pick<Dataset, "images" | "labels" | "shape" | "count">> {
  const total = files.reduce((sum, file) => sum + file.size / RECORD_BYTES, 0);
  const images = new Uint8Array(total * PICTURE_BYTES);
  const labels = new Uint8Array(total);
  let count = 0;
  for (const file of files) {
    await readVerified(directory, file, (records) => {
      count = decodeRecords(records, { images, labels, count });
    });
  }
  return { images, labels, shape: PICTURE_SHAPE, count };
}
