import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { entriesOf, placeOf } from "../dataset/folder-entries.js";
import { CifarError } from "../errors.js";
import { runFiles } from "../training/run-folder.js";

/**
 * The picture files that a path names: itself, or, of a folder, all that are in it and in its subfolders.
 * @throws CifarError NOT_FOUND for a folder without pictures; INVALID_ARGUMENT for a model and the folder of a run
 */
export async function pictureFiles(path: string): Promise<readonly string[]> {
  if (extname(path) === ".safetensors") throw asModel(path, "a model file");
  const found = path === "-" ? undefined : await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return [path];
  // Its charts are pictures too, but nobody wants to know what they show.
  if (existsSync(runFiles(path).settings)) throw asModel(path, "the folder of a run");
  const files = await filesBelow(path, new Set());
  if (files.length > 0) return files;
  throw new CifarError("NOT_FOUND", `${path}: expected PNG or JPEG pictures in this folder, found none`);
}

function asModel(path: string, what: string): CifarError {
  return new CifarError("INVALID_ARGUMENT", `${path}: expected pictures, found ${what}: --model names the model`);
}

/** @param seen places of folders that were looked into: links may lead in a circle */
async function filesBelow(folder: string, seen: Set<string>): Promise<string[]> {
  const place = await placeOf(folder);
  if (seen.has(place)) return [];
  seen.add(place);
  const { pictures, folders } = await entriesOf(folder);
  const files = pictures.map((name) => join(folder, name));
  for (const name of folders) files.push(...(await filesBelow(join(folder, name), seen)));
  return files;
}
