import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Config } from "./config.js";
import { type Hooks, hooksFrom } from "./hooks.js";

/** Where a function's own hooks are: beside its model. */
export function hooksPath(config: Config): string {
  return join(dirname(resolve(config.modelPath)), "handler.js");
}

/**
 * Loads the hooks beside the model; none if there is no such file.
 * @param version makes Node load a changed file anew
 * @throws Error where the file cannot be loaded or exports something else
 */
export async function loadHooks(config: Config, version = 0): Promise<Hooks> {
  const path = hooksPath(config);
  if (!existsSync(path)) {
    return {};
  }
  try {
    return hooksFrom(await import(`${pathToFileURL(path).href}${version === 0 ? "" : `?version=${version}`}`));
  } catch (cause) {
    throw new Error(`${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
