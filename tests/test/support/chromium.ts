import { existsSync } from "node:fs";

/** A browser of this machine: CHROME_PATH, or where Debian puts Chromium. */
export const CHROMIUM = [process.env["CHROME_PATH"], "/usr/bin/chromium"].find((path) => path && existsSync(path));

/** For a test's name. */
export const WITHOUT_CHROMIUM =
  CHROMIUM === undefined ? " (skipped: no Chromium at CHROME_PATH or /usr/bin/chromium)" : "";
