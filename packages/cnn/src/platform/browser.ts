import { CnnError } from "../errors.js";
import type { ThreadStart } from "../threads/thread.js";

/** Cores that the browser lets on; at least 1. */
export function availableThreads(): number {
  return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1);
}

/** Lets events and painting have their turn; a message comes sooner than a timer, which browsers hold back by 4 ms. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

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

/** Why threads cannot share memory here, in one clause; undefined where they can. */
export function whyNoThreads(): string | undefined {
  if (!globalThis.crossOriginIsolated) return "the page is not cross-origin isolated";
  return typeof Worker === "function" ? undefined : "there are no workers here";
}

/** Undefined: a page cannot know what room the system has. */
export function whyNoRoom(_threads: number): string | undefined {
  return undefined;
}
