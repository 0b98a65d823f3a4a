import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { runFiles } from "../training/run-folder.js";
import { decodeSettings, type RunSettings } from "../training/settings.js";

/** The data that a run was made of, as its folder says. */
export interface RunData extends Pick<RunSettings, "data" | "testLimit"> {
  /** Where it is said. */
  readonly file: string;
}

/**
 * The data of the run that a model comes from; undefined for a model file that lies in no run's folder.
 * @param model folder of a run, or the model file in it
 * @throws CifarError INVALID_DATA for settings that are none
 */
export async function runDataOf(model: string): Promise<RunData | undefined> {
  const isFolder = (await stat(model)).isDirectory();
  const files = runFiles(isFolder ? model : dirname(model));
  if (!isFolder && basename(model) !== basename(files.model)) return undefined;
  if (!existsSync(files.settings)) return undefined;
  const { data, testLimit } = decodeSettings(await readFile(files.settings, "utf8"), files.settings);
  return { file: files.settings, ...(data !== undefined && { data }), ...(testLimit !== undefined && { testLimit }) };
}
