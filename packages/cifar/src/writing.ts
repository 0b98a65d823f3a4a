import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { writeFileAtomic } from "@cifar/cnn/node";
import { CifarError, reasonOf } from "./errors.js";

/**
 * Writes a file whole or not at all: through links, and into devices and pipes, which stay what they are.
 * @throws CifarError CANNOT_WRITE
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  await writing(path, () => writeFileAtomic(path, content));
}

/**
 * Makes a folder with those above it, unless it is there.
 * @throws CifarError CANNOT_WRITE
 */
export async function makeFolder(path: string): Promise<void> {
  await writing(path, () => makeFolders(resolve(path)));
}

/**
 * Throws unless what a path leads to may be replaced by a file or a folder: nothing, or one of the same kind. A device
 * that is replaced is lost.
 * @throws CifarError CANNOT_WRITE
 */
export async function checkReplaceable(path: string, kind: "file" | "folder"): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || (kind === "file" ? found.isFile() : found.isDirectory())) return;
  throw new CifarError("CANNOT_WRITE", `cannot write to ${path}: what is there is no ${kind}`);
}

/**
 * Does what writes to a path; what goes wrong is told in one line.
 * @throws CifarError CANNOT_WRITE
 */
export async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof CifarError) throw error;
    throw new CifarError("CANNOT_WRITE", `cannot write to ${path}: ${await refusalOf(path, error)}`, { cause: error });
  }
}

/** One by one: the recursive `mkdir` of Node never ends where a folder takes no folders, as /proc. */
async function makeFolders(path: string, mayGoUp = true): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // It is there, before or because another process was faster.
    if (await isFolder(path)) return;
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || !mayGoUp || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await makeFolders(path, false);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Why something could not be written. A missing permission is told as what lacks it: the file, or its folder. */
async function refusalOf(path: string, error: unknown): Promise<string> {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "EROFS" && code !== "EACCES" && code !== "EPERM") return reasonOf(error);
  const there = await nearest(resolve(path));
  const isFile = there === resolve(path) && !(await isFolder(there));
  if (isFile && !(await mayWrite(there))) return "the file is read-only";
  const folder = (await isFolder(there)) ? there : dirname(there);
  if (code !== "EROFS" && (await mayWrite(folder))) return reasonOf(error);
  return folder === dirname(resolve(path)) ? "the folder is read-only" : `the folder ${folder} is read-only`;
}

/** The path itself, or the first folder above it that is there. */
async function nearest(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch {
    return dirname(path) === path ? path : nearest(dirname(path));
  }
}

async function mayWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
