import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Checkpoint, encodeCheckpoint } from "@cifar/cnn";
import { readCheckpointFile } from "@cifar/cnn/node";
import { CifarError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import { makeFolder, writeWhole, writing } from "../writing.js";
import { type RunEvent, readLog } from "./events.js";
import { decodeSettings, encodeSettings, type RunSettings } from "./settings.js";

/** Paths of what a run leaves behind. */
export interface RunFiles {
  readonly folder: string;
  readonly settings: string;
  readonly checkpoint: string;
  readonly model: string;
  readonly log: string;
  readonly report: string;
  readonly reportMarkdown: string;
  /** Folder of the pictures that belong to it. */
  readonly reportPictures: string;
}

export function runFiles(folder: string): RunFiles {
  return {
    folder,
    settings: join(folder, "run.json"),
    checkpoint: join(folder, "checkpoint.safetensors"),
    model: join(folder, "model.safetensors"),
    log: join(folder, "log.jsonl"),
    report: join(folder, "report.html"),
    reportMarkdown: join(folder, "report.md"),
    reportPictures: join(folder, "report"),
  };
}

/**
 * Makes the folder of a new run and writes its settings into it: a folder that cannot be written to is found out before
 * the training, not after it.
 * @throws CifarError CANNOT_WRITE; INVALID_ARGUMENT if there is a run in it already
 */
export async function createRunFolder(folder: string, settings: RunSettings): Promise<RunFiles> {
  const files = runFiles(folder);
  for (const path of [files.checkpoint, files.model, files.settings]) {
    if (!existsSync(path)) continue;
    throw new CifarError(
      "INVALID_ARGUMENT",
      `${folder} holds a run already (${basename(path)}): choose another folder, or go on with it by ` +
        `--resume ${shellWord(folder)}`,
    );
  }
  await makeFolder(folder);
  await writeWhole(files.settings, encodeSettings(settings));
  return files;
}

/**
 * Makes a folder for a run that names none: of this name or, where another run was faster, with a number behind it.
 * @returns its path
 * @throws CifarError CANNOT_WRITE
 */
export async function makeNewFolder(name: string): Promise<string> {
  await makeFolder(dirname(name));
  for (let number = 1; ; number++) {
    const folder = number === 1 ? name : `${name}-${number}`;
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      return writing(folder, () => Promise.reject(error));
    }
  }
}

/** A run that is to go on. */
export interface ResumedRun {
  readonly files: RunFiles;
  readonly settings: RunSettings;
  /** Undefined for a run that was broken off before its first one: it begins anew, to the same bytes. */
  readonly checkpoint: Checkpoint | undefined;
  /** What had happened up to the checkpoint. */
  readonly events: readonly RunEvent[];
}

/**
 * The folder of a run that is named by it or by a file in it, such as its checkpoint.
 * @throws CifarError NOT_FOUND
 */
export async function findRunFolder(path: string): Promise<string> {
  const isFile = existsSync(path) && (await stat(path)).isFile();
  const { folder, settings } = runFiles(isFile ? dirname(path) : path);
  if (existsSync(settings)) return folder;
  throw new CifarError(
    "NOT_FOUND",
    `${path}: expected the folder of a run, but there is no ${basename(settings)} in it`,
  );
}

/**
 * Opens a run that is to go on. The log is cut back to the checkpoint.
 * @param folder as {@link findRunFolder} gives it
 * @throws CifarError INVALID_DATA; CnnError INVALID_FILE for a checkpoint that is none
 */
export async function openRunFolder(folder: string): Promise<ResumedRun> {
  const files = runFiles(folder);
  const settings = decodeSettings(await readFile(files.settings, "utf8"), files.settings);
  const checkpoint = existsSync(files.checkpoint) ? await readCheckpointFile(files.checkpoint) : undefined;
  const log = checkpoint !== undefined && existsSync(files.log) ? await readFile(files.log, "utf8") : "";
  const events = readLog(log, checkpoint?.step ?? 0);
  await writeWhole(files.log, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  return { files, settings, checkpoint, events };
}

export async function writeCheckpoint(files: RunFiles, checkpoint: Checkpoint): Promise<void> {
  await writeWhole(files.checkpoint, encodeCheckpoint(checkpoint));
}

export async function appendToLog(files: RunFiles, events: readonly RunEvent[]): Promise<void> {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  await writing(files.log, () => appendFile(files.log, lines, { flush: true }));
}
