import type { Command, Report } from "../protocol.js";

/** Starts the worker and passes on what it reports. */
export function startWorker(onReport: (report: Report) => void): (command: Command) => void {
  const worker = new Worker(new URL("../worker/worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<Report>) => onReport(data));
  worker.addEventListener("error", ({ message }) => {
    onReport({
      type: "failed",
      line: `the worker ended: ${message || "its script could not be loaded"}; reload the page`,
    });
  });
  return (command) => worker.postMessage(command);
}
