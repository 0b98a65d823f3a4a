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

/**
 * Starts a thread.
 * @param onFailure told once, with the reason, if it ends before it is closed
 */
export function startThread(start: ThreadStart, onFailure: (reason: string) => void): Thread {
  const worker = new Worker(new URL("./browser-thread.js", import.meta.url), { type: "module" });
  worker.addEventListener("error", (event) => onFailure(event.message ?? "its script could not be loaded"), {
    once: true,
  });
  worker.postMessage(start);
  return { hold() {}, release() {}, close: () => worker.terminate() };
}

/** Why threads cannot share memory here, in one clause; undefined where they can. */
export function whyNoThreads(): string | undefined {
  return globalThis.crossOriginIsolated ? undefined : "the page is not cross-origin isolated";
}
