import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Dataset } from "@cifar/cnn";
import { CifarError, reasonOf } from "../errors.js";
import { decodePicture } from "../picture/decode.js";
import { toInput } from "../picture/resize.js";
import { MOST_BYTE_CLASSES, PICTURE_BYTES, PICTURE_SHAPE } from "./binary-format.js";
import type { DataSplits } from "./cifar10.js";
import { type Labelled, LEFT_OUT, layoutOf } from "./folder-layout.js";

/**
 * A folder whose subfolders are the classes and hold PNG and JPEG pictures of any size. Where it has subfolders `train`
 * and `test` (or `val`, `valid`, `validation`), those hold the classes; else every fifth picture of a class, by name, is a
 * test picture. Links are followed.
 * @param onNotice gets a line for each picture that cannot be read, for whatever else is left out and for each class with
 *   fewer than five pictures
 * @throws CifarError NOT_FOUND, INVALID_DATA
 */
export async function loadPictureFolder(directory: string, onNotice: (line: string) => void): Promise<DataSplits> {
  const { classes, train, test } = await layoutOf(directory, onNotice);
  const name = basename(resolve(directory));
  return {
    train: await read(`${name} train`, { classes, pictures: train, onNotice }),
    test: await read(`${name} test`, { classes, pictures: test, onNotice }),
  };
}

async function read(
  name: string,
  part: { classes: readonly string[]; pictures: readonly Labelled[]; onNotice: (line: string) => void },
): Promise<Dataset> {
  const { classes, pictures, onNotice } = part;
  const images = new Uint8Array(pictures.length * PICTURE_BYTES);
  const labels = new (classes.length > MOST_BYTE_CLASSES ? Int32Array : Uint8Array)(pictures.length);
  const files: string[] = [];
  // Classes take turns, so that any part of the data set holds all of them.
  for (const { path, file, label } of interleave(pictures, classes.length)) {
    try {
      images.set(toInput(decodePicture(await readFile(path)), PICTURE_SHAPE[0]), files.length * PICTURE_BYTES);
    } catch (error) {
      onNotice(`${LEFT_OUT}${path}: ${reasonOf(error)}`);
      continue;
    }
    labels[files.length] = label;
    files.push(file);
  }
  const count = files.length;
  if (count === 0) {
    const found = pictures.length === 0 ? "none" : `${pictures.length} that cannot be read`;
    throw new CifarError("INVALID_DATA", `${name}: expected PNG or JPEG pictures, found ${found}`);
  }
  return {
    name,
    classes,
    shape: PICTURE_SHAPE,
    count,
    images: images.subarray(0, count * PICTURE_BYTES),
    labels: labels.subarray(0, count),
    files,
  };
}

function interleave(pictures: readonly Labelled[], classes: number): Labelled[] {
  const seen = new Uint32Array(classes);
  return pictures
    .map((picture) => ({ picture, turn: seen[picture.label]!++ }))
    .sort((a, b) => a.turn - b.turn || a.picture.label - b.picture.label)
    .map(({ picture }) => picture);
}
