import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CifarError, reasonOf } from "../errors.js";
import { makeFolder, writeWhole } from "../writing.js";
import { checkRecords, datasetOfRecords, encodeRecords } from "./binary-format.js";
import type { DataSplits } from "./cifar10.js";
import { CIFAR10_CLASSES, CIFAR10_TEST_FILE, CIFAR10_TRAIN_FILES } from "./cifar10-files.js";

const CLASSES_FILE = "batches.meta.txt";

/**
 * The classes of a folder in CIFAR's binary format whose own list of classes is not CIFAR-10's; undefined for CIFAR-10
 * itself, and where there is no list: then the files have to be CIFAR-10's.
 * @throws CifarError INVALID_DATA for a list that is none
 */
export async function foreignClasses(directory: string): Promise<readonly string[] | undefined> {
  const path = join(directory, CLASSES_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  const classes = classList(path, text);
  const same = classes.length === CIFAR10_CLASSES.length && classes.every((name, n) => name === CIFAR10_CLASSES[n]);
  return same ? undefined : classes;
}

/** A list as editors leave it: with a byte-order mark or without, any line ends, blank lines. */
function classList(path: string, text: string): string[] {
  const expected = `${path}: expected a list of classes, one a line`;
  if (text.includes("\0")) throw new CifarError("INVALID_DATA", `${expected} in UTF-8, found another encoding`);
  const classes = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (classes.length === 0) throw new CifarError("INVALID_DATA", `${expected}, found none`);
  const twice = classes.find((name, index) => classes.indexOf(name) !== index);
  if (twice !== undefined) throw new CifarError("INVALID_DATA", `${expected}, found ${twice} twice`);
  return classes;
}

/**
 * Reads other pictures in CIFAR's binary format: `data_batch_*.bin` as far as there are such, and `test_batch.bin`.
 * @throws CifarError INVALID_DATA
 */
export async function loadBinaryFolder(directory: string, classes: readonly string[]): Promise<DataSplits> {
  const train = await Promise.all(CIFAR10_TRAIN_FILES.map((file) => readRecords(join(directory, file.name))));
  const test = [await readRecords(join(directory, CIFAR10_TEST_FILE.name))];
  return {
    train: datasetOfRecords(`${directory} train`, classes, train),
    test: datasetOfRecords(`${directory} test`, classes, test),
  };
}

/**
 * Writes data sets of 32×32 pictures as a folder in CIFAR's binary format, with their own list of classes.
 * @throws CifarError CANNOT_WRITE, INVALID_ARGUMENT
 */
export async function writeBinaryFolder(directory: string, { train, test }: DataSplits): Promise<void> {
  const files: [string, Uint8Array | string][] = [
    [CIFAR10_TRAIN_FILES[0]!.name, encodeRecords(train)],
    [CIFAR10_TEST_FILE.name, encodeRecords(test)],
    [CLASSES_FILE, `${train.classes.join("\n")}\n`],
  ];
  await makeFolder(directory);
  // Never over a data set that is there, nor half of one beside it.
  for (const [name] of files) {
    const path = join(directory, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    throw new CifarError("CANNOT_WRITE", `cannot write to ${path}: a file of that name is there already`);
  }
  for (const [name, content] of files) await writeWhole(join(directory, name), content);
}

async function readRecords(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Uint8Array();
    throw new CifarError("INVALID_DATA", `${path}: ${reasonOf(error)}`, { cause: error });
  }
  return checkRecords(path, bytes);
}
