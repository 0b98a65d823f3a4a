import type { Command, Report } from "../protocol.js";
import { lineOf, Session } from "./session.js";

/* The page's worker: commands are served one after the other, while a run goes on beside them. */

const report = (report: Report): void =>
  postMessage(report, { transfer: report.type === "saved" ? [report.bytes.buffer] : [] });
const session = new Session(report);
let turn = Promise.resolve();

globalThis.addEventListener("message", ({ data: command }: MessageEvent<Command>) => {
  turn = turn
    .then(() => session.handle(command))
    .catch((error: unknown) => report({ type: "failed", line: lineOf(error) }));
});
