import { createReadStream } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { throughLinks } from "@cifar/cnn/node";
import { extract } from "tar";
import { checkReplaceable, makeFolder, writing } from "../writing.js";
import {
  CIFAR10_ARCHIVE,
  CIFAR10_FOLDER,
  CIFAR10_TEST_FILE,
  CIFAR10_TRAIN_FILES,
  type DataFile,
} from "./cifar10-files.js";
import { type DownloadOptions, download } from "./download.js";
import { cacheFolder } from "./locate.js";
import { verifyFiles } from "./verify.js";

export interface FetchOptions extends Pick<DownloadOptions, "onProgress" | "signal" | "attempts" | "pause" | "idle"> {
  /** Folder to put the data into; default: the user's cache folder. */
  readonly folder?: string;
  /** Default: `CIFAR10_URL`, else the official address. */
  readonly url?: string;
  /** What the archive has to be; default: the official one. */
  readonly archive?: { readonly sha256: string; readonly size: number };
  /** The files that it has to hold; default: the official ones. */
  readonly files?: readonly DataFile[];
}

/**
 * Fetches the archive of CIFAR-10's binary version, checks and unpacks it and puts the folder in place when all of it is
 * right. Whatever breaks on the way, what was already fetched is kept for the next attempt.
 * @returns the folder that holds the files
 * @throws CifarError DOWNLOAD_FAILED, INVALID_DATA, CANNOT_WRITE, ABORTED
 */
export async function fetchCifar10(options: FetchOptions = {}): Promise<string> {
  const {
    folder = cacheFolder(),
    url = process.env["CIFAR10_URL"] || CIFAR10_ARCHIVE.url,
    archive = CIFAR10_ARCHIVE,
    files = [...CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE],
    ...connection
  } = options;
  const archivePath = join(folder, "cifar-10-binary.tar.gz");
  const directory = join(folder, CIFAR10_FOLDER);
  await checkReplaceable(directory, "folder");
  await download({ ...connection, url, target: archivePath, sha256: archive.sha256, maxBytes: archive.size });
  await writing(directory, () => putInPlace({ archivePath, directory, files }));
  return directory;
}

/** Unpacks and checks beside the folder, which then takes its place; a link there stays. */
async function putInPlace(what: { archivePath: string; directory: string; files: readonly DataFile[] }): Promise<void> {
  const archive = await throughLinks(what.archivePath);
  const directory = await throughLinks(what.directory);
  await makeFolder(dirname(directory));
  const unpacked = await mkdtemp(join(dirname(directory), "unpacking-"));
  try {
    await unpack(archive, unpacked, what.files);
    await verifyFiles(unpacked, what.files);
    // An incomplete folder of old gives way; a complete one would not have been fetched again.
    await rm(directory, { recursive: true, force: true });
    await rename(unpacked, directory);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
  await rm(archive, { force: true });
}

/** Unpacks the wanted files, and nothing else whatever the archive holds, flat into a folder. */
async function unpack(archivePath: string, folder: string, files: readonly DataFile[]): Promise<void> {
  const sizes = new Map(files.map((file) => [file.name, file.size]));
  sizes.set("batches.meta.txt", 4096);
  const wanted = (path: string, entry: object) =>
    "type" in entry &&
    entry.type === "File" &&
    "size" in entry &&
    Number(entry.size) <= (sizes.get(basename(path)) ?? -1) &&
    path.split("/").length === 2;
  await pipeline(createReadStream(archivePath), extract({ cwd: folder, strip: 1, filter: wanted, strict: true }));
}
