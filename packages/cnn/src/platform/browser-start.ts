import { CnnError } from "../errors.js";
import type { ThreadStart } from "../threads/thread.js";

/** Another thread of this page. */
export interface Thread {
  /** Keeps the page from ending while something is waited for: a page does not end by itself. */
  hold(): void;
  release(): void;
  /** Ends the thread at once. */
  close(): void;
}

const NO_SCRIPT =
  "browser-thread.js beside the page's script cannot be loaded (a bundle needs it as a second entry, and format esm; " +
  "a Content-Security-Policy allows it in worker-src)";

/**
 * Starts a thread.
 * @param onFailure told once, with the reason, if it ends before it is closed
 * @throws CnnError WORKER_FAILED if none can be started
 */
export function startThread(start: ThreadStart, onFailure: (reason: string) => void): Thread {
  let worker: Worker;
  try {
    // Bundlers look for this very expression.
    worker = new Worker(new URL("./browser-thread.js", import.meta.url), { type: "module" });
  } catch (cause) {
    // Without an address, which only modules have, there is no script; policies are told of here too.
    throw new CnnError("WORKER_FAILED", NO_SCRIPT, { cause });
  }
  // A script that cannot be loaded gives no reason.
  worker.addEventListener("error", ({ message }) => onFailure(message || NO_SCRIPT), { once: true });
  worker.postMessage(start);
  return { hold() {}, release() {}, close: () => worker.terminate() };
}

/** Undefined: a page cannot know what room the system has. */
export function whyNoRoom(_threads: number): string | undefined {
  return undefined;
}
