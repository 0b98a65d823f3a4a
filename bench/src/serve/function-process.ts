import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "@cifar/cifar";
import { cifarCnn, saveModel } from "@cifar/cnn";
import { residentMB } from "../memory.js";

/** The function's program, as the image has it. */
const RUNTIME = fileURLToPath(
  new URL("dist/runtime/index.js", import.meta.resolve("@cifar/faas-handler/package.json")),
);

/** The network of the mission in a file; which weights it has makes no difference to the time that it takes. */
export async function writeModel(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "cifar-bench-serve-"));
  const path = join(folder, "model.safetensors");
  await writeFile(path, saveModel(cifarCnn(), { classes: CIFAR10_CLASSES, normalisation: CIFAR10_NORMALISATION }));
  return { path, remove: () => rm(folder, { recursive: true }) };
}

/** A PNG of 36 × 36 pixels of noise: just under 4 kB, since noise cannot be compressed. */
export function smallPng(): Buffer {
  return readFileSync(new URL("test/fixtures/noise.png", import.meta.resolve("@cifar/faas-handler/package.json")));
}

export interface FunctionProcess {
  readonly port: number;
  /** Resolves when the network is as fast as it gets: batches and tuning follow some seconds after the first answer. */
  readonly improved: Promise<void>;
  /** From the start of node to the first answer to a picture. */
  readonly firstAnswerMilliseconds: number;
  /** Resident memory in MB, where the system tells (Linux). */
  residentMB(): number | undefined;
  stop(): Promise<void>;
}

/** Starts the function as the image does, without a watchdog, and waits for its answer to a first picture. */
export async function startFunction(modelPath: string, picture: Buffer): Promise<FunctionProcess> {
  const started = performance.now();
  const child = spawn(process.execPath, [RUNTIME], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { model_path: modelPath, http_port: "0" },
  });
  const said = follow(child.stdout);
  const port = await said.port;
  const status = await firstAnswer(port, picture);
  const firstAnswerMilliseconds = performance.now() - started;
  if (status !== 200) throw new Error(`the function answered its first picture with ${status}`);
  return {
    port,
    improved: said.improved,
    firstAnswerMilliseconds,
    residentMB: () => residentMB(child.pid),
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/** What the function says of itself in its log, which is read to its end as the watchdog reads it. */
function follow(log: Readable): { readonly port: Promise<number>; readonly improved: Promise<void> } {
  const lines = createInterface({ input: log });
  const port = new Promise<number>((resolve, reject) => {
    const said: string[] = [];
    lines.on("line", (line) => {
      const [, found] = /"message":"listening","port":(\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(Number(found));
      else if (said.length < 20) said.push(line);
    });
    lines.once("close", () => reject(new Error(`the function ended before it listened: ${said.join("\n")}`)));
  });
  const improved = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      if (line.includes('"message":"network ')) resolve();
    });
  });
  return { port, improved };
}

function firstAnswer(port: number, picture: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, method: "POST", headers: { "content-type": "image/png" } },
      (incoming) => {
        incoming.resume();
        incoming.on("end", () => resolve(incoming.statusCode ?? 0));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(picture);
  });
}

/** From the start of node to its end, for a script without a line. */
export async function emptyNodeMilliseconds(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit");
  return performance.now() - started;
}
