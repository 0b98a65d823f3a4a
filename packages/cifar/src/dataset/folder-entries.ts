import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { CifarError, reasonOf } from "../errors.js";

const PICTURE_NAME = /\.(png|jpe?g)$/i;

/** What systems and programs leave in folders for themselves: hidden files, those of macOS, Windows, Synology and Jupyter. */
const LEFTOVERS =
  /^(\..*|__MACOSX|Thumbs\.db|ehthumbs\.db|desktop\.ini|@eaDir|#recycle|\$RECYCLE\.BIN|System Volume Information|lost\+found|__pycache__)$/i;

/** What a folder holds that may be data, links followed; sorted by name. */
export interface Entries {
  readonly folders: readonly string[];
  readonly pictures: readonly string[];
  /** Files of other kinds, and links that lead nowhere. */
  readonly others: readonly string[];
}

/**
 * Reads one folder.
 * @throws CifarError NOT_FOUND
 */
export async function entriesOf(directory: string): Promise<Entries> {
  const found = { folders: [] as string[], pictures: [] as string[], others: [] as string[] };
  try {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (LEFTOVERS.test(entry.name)) continue;
      const kind = entry.isSymbolicLink() ? await stat(join(directory, entry.name)).catch(() => undefined) : entry;
      if (kind?.isDirectory()) found.folders.push(entry.name);
      else if (kind?.isFile() && PICTURE_NAME.test(entry.name)) found.pictures.push(entry.name);
      else found.others.push(entry.name);
    }
  } catch (error) {
    throw new CifarError("NOT_FOUND", `${directory}: ${reasonOf(error)}`, { cause: error });
  }
  for (const names of Object.values(found)) names.sort();
  return found;
}

/** The place that a folder has on the disk, by whatever links it is reached. */
export async function placeOf(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (error) {
    throw new CifarError("NOT_FOUND", `${directory}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Names for a message: the first few. */
export function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown}, …` : shown;
}

/** `1 picture`, `2 pictures`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
