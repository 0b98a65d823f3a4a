import { rmSync, writeFileSync } from "node:fs";

/**
 * Tells the watchdog's `/_/health` that the function is there, by the file that it asks for (of-watchdog with
 * `suppress_lock=true`). The watchdog by itself writes it before it knows whether anything listens behind it.
 * @param path undefined where there is no such watchdog
 * @returns what takes the file away: without it `/_/health` says 503
 */
export function writeLock(path: string | undefined): () => void {
  if (path === undefined) {
    return () => undefined;
  }
  writeFileSync(path, "");
  // The watchdog takes it away itself when it gets SIGTERM.
  return () => rmSync(path, { force: true });
}
