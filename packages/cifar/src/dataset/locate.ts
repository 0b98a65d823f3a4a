import { existsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { CIFAR10_FOLDER, CIFAR10_TEST_FILE, CIFAR10_TRAIN_FILES } from "./cifar10-files.js";

/** The part of `process.env` that is looked at. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Folder in which downloaded data are kept: `CIFAR_CACHE`, else `cifar` in the platform's folder for such things
 * (`XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches`; `%LOCALAPPDATA%`); for a user without a home the folder for temporary
 * files.
 */
export function cacheFolder(
  environment: Environment = process.env,
  platform: string = process.platform,
  home = homedir,
): string {
  const { CIFAR_CACHE: own, XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = environment;
  if (own) return own;
  if (xdg) return join(xdg, "cifar");
  if (platform === "win32" && local) return join(local, "cifar", "Cache");
  const folder = homeFolder(home);
  if (folder === undefined) return join(tmpdir(), "cifar-cache");
  if (platform === "win32") return join(folder, "AppData", "Local", "cifar", "Cache");
  if (platform === "darwin") return join(folder, "Library", "Caches", "cifar");
  return join(folder, ".cache", "cifar");
}

/** Undefined where there is none: a container may run as a user of whom the system knows no more than the number. */
function homeFolder(home: () => string): string | undefined {
  try {
    return home() || undefined;
  } catch {
    return undefined;
  }
}

/** Where CIFAR-10 is looked for and who said so. */
export interface Place {
  readonly directory: string;
  /** Such as `CIFAR10_DIR`; errors name it. */
  readonly source: string;
  /** Somebody named this place: it is an error if the data are not there. */
  readonly named: boolean;
}

/** The one place to look at: the given folder, else `CIFAR10_DIR`, else the cache folder. */
export function placeOfCifar10(directory: string | undefined, environment: Environment = process.env): Place {
  if (directory !== undefined) return { directory: withData(directory), source: "the given folder", named: true };
  const fromEnvironment = environment["CIFAR10_DIR"];
  if (fromEnvironment) return { directory: withData(fromEnvironment), source: "CIFAR10_DIR", named: true };
  return { directory: join(cacheFolder(environment), CIFAR10_FOLDER), source: "the cache folder", named: false };
}

/** True if a folder holds at least one of the files of CIFAR's binary version. */
export function holdsBinaryVersion(directory: string): boolean {
  return [...CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE].some((file) => existsSync(join(directory, file.name)));
}

/** The folder itself, or the one in it that the archive unpacks to. */
function withData(directory: string): string {
  const inner = join(directory, CIFAR10_FOLDER);
  return !holdsBinaryVersion(directory) && existsSync(inner) ? inner : directory;
}
