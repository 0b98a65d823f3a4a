import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import type { ThreadData } from "../../src/decoding/thread-protocol.ts";

export interface DecodeScript {
  /** Starts a thread that decodes. */
  open(data: ThreadData): Worker;
  remove(): void;
}

/** The thread's script as it is in these sources: a thread cannot run TypeScript, and what was built may be older. */
export async function bundleDecodeThread(): Promise<DecodeScript> {
  const folder = mkdtempSync(join(tmpdir(), "cifar-decode-thread-"));
  const outfile = join(folder, "decode-thread.cjs");
  await build({
    entryPoints: [fileURLToPath(new URL("../../src/decoding/decode-thread.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    outfile,
  });
  return {
    open: (workerData) => new Worker(outfile, { workerData, execArgv: [] }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A thread that says that it is ready and then does whatever the script says with each message. */
export function threadOf(script: string, limits: { maxOldGenerationSizeMb?: number } = {}): Worker {
  const code = `const { parentPort } = require("node:worker_threads");
    parentPort.on("message", (task) => { ${script} });
    parentPort.postMessage({ kind: "ready" });`;
  return new Worker(code, { eval: true, execArgv: [], resourceLimits: limits });
}
