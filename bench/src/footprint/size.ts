import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What lies in a folder. */
export interface Size {
  readonly bytes: number;
  readonly files: number;
  /** Of them compiled for one system: add-ons and shared libraries. */
  readonly native: number;
}

const NATIVE = /\.(node|dll|dylib|so(\.\d+)*)$/;

/** Counts the files under a folder. Links are not followed: npm's `.bin` counts nothing twice. */
export async function sizeOf(folder: string): Promise<Size> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  return {
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    files: files.length,
    native: files.filter(({ name }) => NATIVE.test(name)).length,
  };
}
