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

/** Why threads cannot share memory here, in one clause; undefined where they can. */
export function whyNoThreads(): string | undefined {
  if (!globalThis.crossOriginIsolated) return "the page is not cross-origin isolated";
  return typeof Worker === "function" ? undefined : "there are no workers here";
}
