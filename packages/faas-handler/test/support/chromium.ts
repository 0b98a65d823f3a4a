import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** A browser of this machine: CHROME_PATH, or where Debian puts Chromium. */
export const CHROMIUM = [process.env["CHROME_PATH"], "/usr/bin/chromium"].find(
  (path) => path !== undefined && existsSync(path),
);

/** What a skipped test says of itself; empty where there is a browser. */
export const NO_CHROMIUM = CHROMIUM === undefined ? " (skipped: no Chromium at CHROME_PATH or /usr/bin/chromium)" : "";

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
