import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, type FileHandle, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";

/**
 * Writes a file so that at any moment, even if the machine is switched off, either the old or the new content is there: to
 * a temporary file beside it, flushed, then renamed. Links stay, what they point to is written; so do the mode and the owner
 * of a file that is replaced. What is no file, a device or a pipe, is written in place: a rename would destroy it.
 * @throws the file system's error (ENOSPC, EACCES, …); the temporary file is gone then
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const before = await statOf(path);
  if (before === undefined || before.isFile()) await replaceFile(await throughLinks(path), bytes, before);
  else await writeInPlace(path, bytes);
}

/**
 * Where what is written to a path belongs: the path itself, or what the symbolic links there lead to, whether that is there
 * or not.
 * @throws the file system's error: ELOOP for links in a circle
 */
export async function throughLinks(path: string): Promise<string> {
  if ((await statOf(path)) !== undefined) return realpath(path);
  let target: string;
  try {
    target = await readlink(path);
  } catch {
    return path; // no link
  }
  // Not joined: `..` after a link leads up from where that one points to, which the file system alone knows.
  return throughLinks(isAbsolute(target) ? target : `${dirname(path)}/${target}`);
}

/** What a path leads to; undefined where nothing is. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function replaceFile(path: string, bytes: Uint8Array | string, before: Stats | undefined): Promise<void> {
  // A rename asks the folder alone, and would replace a write-protected file.
  if (before !== undefined) await access(path, constants.W_OK);
  // With the whole of a long name it would be longer than file systems take.
  const temporary = join(dirname(path), `.${basename(path).slice(0, 50)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      if (before !== undefined) await keepAccess(file, before);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Gives a file the owner of another one, as far as this process may, and its mode. */
async function keepAccess(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = await file.stat();
  if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid).catch(() => {});
  if (own.mode !== mode) await file.chmod(mode & 0o777);
}

/** To a device, or to who reads a pipe; the kernel refuses folders and sockets. */
async function writeInPlace(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** The rename itself is safe only when the folder has been flushed; Windows knows no such thing. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
