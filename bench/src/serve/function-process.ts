import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "@cifar/cifar";
import { cifarCnn, saveModel } from "@cifar/cnn";
import { residentMB } from "../memory.js";

/** The one file of code of the image. */
export const RUNTIME = fileURLToPath(
  new URL("dist/runtime/index.js", import.meta.resolve("@cifar/faas-handler/package.json")),
);

/** The network of the mission in a file; which weights it has makes no difference to the time that it takes. */
export async function writeModel(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "cifar-bench-serve-"));
  const path = join(folder, "model.safetensors");
  await writeFile(path, saveModel(cifarCnn(), { classes: CIFAR10_CLASSES, normalisation: CIFAR10_NORMALISATION }));
  return { path, remove: () => rm(folder, { recursive: true }) };
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A PNG of 36 × 36 pixels of noise: just under 4 kB, since noise cannot be compressed. */
export function smallPng(): Buffer {
  const side = 36;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  let state = 1;
  const rows = Uint8Array.from({ length: side * (1 + side * 3) }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return at % (1 + side * 3) === 0 ? 0 : state >>> 24;
  });
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

export interface FunctionProcess {
  readonly port: number;
  /** From the start of node to the first answer to a picture. */
  readonly firstAnswerMilliseconds: number;
  /** Resident memory in MB, where the system tells (Linux). */
  residentMB(): number | undefined;
  stop(): Promise<void>;
}

/** Starts the function as the image does, without a watchdog, and waits for its answer to a first picture. */
export async function startFunction(modelPath: string, picture: Buffer): Promise<FunctionProcess> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(process.execPath, [RUNTIME], {
    // The log is written, as it is in a cluster, but to nowhere.
    stdio: ["ignore", "ignore", "inherit"],
    env: { model_path: modelPath, http_port: String(port) },
  });
  while (!(await answers(port, picture))) {
    if (child.exitCode !== null) throw new Error(`the function ended with code ${child.exitCode}`);
    await sleep(1);
  }
  const firstAnswerMilliseconds = performance.now() - started;
  return {
    port,
    firstAnswerMilliseconds,
    residentMB: () => residentMB(child.pid),
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

function answers(port: number, picture: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = request(
      { host: "127.0.0.1", port, method: "POST", headers: { "content-type": "image/png" } },
      (incoming) => {
        incoming.resume();
        incoming.on("end", () => resolve(incoming.statusCode === 200));
      },
    );
    outgoing.on("error", () => resolve(false));
    outgoing.end(picture);
  });
}

/** From the start of node to its end, for a script without a line. */
export async function emptyNodeMilliseconds(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ["-e", ""], { stdio: "ignore" }), "exit");
  return performance.now() - started;
}
