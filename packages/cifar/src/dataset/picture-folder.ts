import { type Dirent, existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Dataset } from "@cifar/cnn";
import { CifarError, reasonOf } from "../errors.js";
import { decodePicture } from "../picture/decode.js";
import { toInput } from "../picture/resize.js";
import { PICTURE_BYTES, PICTURE_SHAPE } from "./binary-format.js";
import type { DataSplits } from "./cifar10.js";

/** One picture in this many becomes a test picture where a folder does not say which ones are. */
const TEST_EVERY = 5;

const PICTURE_NAME = /\.(png|jpe?g)$/i;

interface Labelled {
  readonly path: string;
  readonly label: number;
}

/** True if a folder has subfolders with pictures, or `train` and `test` with such subfolders. */
export async function holdsPictureFolders(directory: string): Promise<boolean> {
  const root = existsSync(join(directory, "train")) ? join(directory, "train") : directory;
  for (const name of await subfolders(root)) {
    if ((await entries(join(root, name))).some(isPicture)) return true;
  }
  return false;
}

/**
 * A folder whose subfolders are the classes and hold PNG and JPEG pictures of any size. Where it has subfolders `train`
 * and `test`, those hold the classes; else every fifth picture of a class, by name, is a test picture.
 * @param onNotice gets a line for each picture that cannot be read, and for each class with files that are no pictures
 * @throws CifarError NOT_FOUND, INVALID_DATA
 */
export async function loadPictureFolder(directory: string, onNotice: (line: string) => void): Promise<DataSplits> {
  const split = existsSync(join(directory, "train")) && existsSync(join(directory, "test"));
  const classes = await subfolders(split ? join(directory, "train") : directory);
  if (classes.length < 2) {
    throw new CifarError(
      "INVALID_DATA",
      `${directory}: expected at least 2 subfolders, one a class, found ${classes.length}`,
    );
  }
  const train: Labelled[] = [];
  const test: Labelled[] = [];
  for (const [label, name] of classes.entries()) {
    if (split) {
      train.push(...(await labelled(join(directory, "train", name), label, onNotice)));
      test.push(...(await labelled(join(directory, "test", name), label, onNotice)));
      continue;
    }
    for (const [index, picture] of (await labelled(join(directory, name), label, onNotice)).entries()) {
      (index % TEST_EVERY === TEST_EVERY - 1 ? test : train).push(picture);
    }
  }
  const name = basename(directory);
  return {
    train: await read(`${name} train`, classes, train, onNotice),
    test: await read(`${name} test`, classes, test, onNotice),
  };
}

async function read(
  name: string,
  classes: readonly string[],
  pictures: readonly Labelled[],
  onNotice: (line: string) => void,
): Promise<Dataset> {
  const images = new Uint8Array(pictures.length * PICTURE_BYTES);
  const labels = new Uint8Array(pictures.length);
  let count = 0;
  // Classes take turns, so that any part of the data set holds all of them.
  for (const { path, label } of interleave(pictures, classes.length)) {
    try {
      images.set(toInput(decodePicture(await readFile(path)), PICTURE_SHAPE[0]), count * PICTURE_BYTES);
    } catch (error) {
      onNotice(`left out: ${path}: ${reasonOf(error)}`);
      continue;
    }
    labels[count++] = label;
  }
  if (count === 0) throw new CifarError("INVALID_DATA", `${name}: expected PNG or JPEG pictures, found none`);
  return {
    name,
    classes,
    shape: PICTURE_SHAPE,
    count,
    images: images.subarray(0, count * PICTURE_BYTES),
    labels: labels.subarray(0, count),
  };
}

function interleave(pictures: readonly Labelled[], classes: number): Labelled[] {
  const seen = new Uint32Array(classes);
  return pictures
    .map((picture) => ({ picture, turn: seen[picture.label]!++ }))
    .sort((a, b) => a.turn - b.turn || a.picture.label - b.picture.label)
    .map(({ picture }) => picture);
}

async function labelled(directory: string, label: number, onNotice: (line: string) => void): Promise<Labelled[]> {
  const found = await entries(directory);
  const pictures = found.filter(isPicture).map(nameOf).sort();
  // Not one by one: there may be a file of notes beside every picture.
  const others = found.filter((entry) => !isPicture(entry) && !isHidden(entry)).length;
  if (others > 0) onNotice(`left out: ${directory}: all but files named .png, .jpg or .jpeg (${others})`);
  return pictures.map((name) => ({ path: join(directory, name), label }));
}

async function subfolders(directory: string): Promise<string[]> {
  return (await entries(directory))
    .filter((entry) => entry.isDirectory() && !isHidden(entry))
    .map(nameOf)
    .sort();
}

async function entries(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    throw new CifarError("NOT_FOUND", `${directory}: ${reasonOf(error)}`, { cause: error });
  }
}

function isPicture(entry: Dirent): boolean {
  return entry.isFile() && PICTURE_NAME.test(entry.name);
}

function isHidden(entry: Dirent): boolean {
  return entry.name.startsWith(".");
}

function nameOf(entry: Dirent): string {
  return entry.name;
}
