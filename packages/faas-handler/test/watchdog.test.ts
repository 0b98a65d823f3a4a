import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CIFAR10_CLASSES } from "@cifar/cifar";
import { conv2d, flatten, linear, Sequential } from "@cifar/cnn";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { problemOf } from "./support/function.ts";
import { type FunctionFolder, makeFunctionFolder } from "./support/model-file.ts";
import { type Guarded, NO_WATCHDOG, PROGRAM, startGuarded, WATCHDOGS } from "./support/watchdog.ts";

/** A network that is quick on any backend: these tests are about everything around it. */
const model = new Sequential({
  input: [32, 32, 3],
  layers: [conv2d({ filters: 2, kernel: 3, stride: 4 }), flatten(), linear({ outputs: 10 })],
}).initialise({ method: "pytorch", seed: 1 });

/** Waits as long as the query asks it to, so that a test can be in the middle of a request. */
const WAITING = `
export async function before({ query }) {
  await new Promise((resolve) => setTimeout(resolve, Number(query.wait ?? 0)));
}
`;

describe.each(WATCHDOGS)(`behind $name${NO_WATCHDOG}`, (watchdog) => {
  let folder: FunctionFolder;
  let guarded: Guarded | undefined;

  beforeAll(() => {
    folder = makeFunctionFolder(model);
    writeFileSync(join(folder.path, "handler.js"), WAITING);
  });
  afterAll(() => folder.remove());
  afterEach(async () => {
    await guarded?.stop();
    guarded = undefined;
  });

  async function start(environment: Record<string, string> = {}): Promise<Guarded> {
    guarded = await startGuarded(watchdog, { model_path: folder.modelPath, ...environment });
    return guarded;
  }

  it("classifies and evaluates bodies that come chunked and without a length", async () => {
    const { url } = await start();
    const one = await fetch(url, {
      method: "POST",
      body: new Uint8Array(3072),
      headers: { "content-type": "application/octet-stream" },
    });
    expect(CIFAR10_CLASSES).toContain((await one.json()).label);
    const many = await fetch(`${url}/evaluate`, { method: "POST", body: new Uint8Array(3073 * 3000) });
    expect(await many.json()).toMatchObject({ total: 3000 });
    expect(await (await fetch(url, { method: "POST" })).json()).toMatchObject({ classes: [...CIFAR10_CLASSES] });
  });

  it("is healthy from when the function listens, not before", async () => {
    const [script, go] = [join(folder.path, "slow.mjs"), join(folder.path, "go")];
    writeFileSync(
      script,
      `import { existsSync } from "node:fs";
while (!existsSync(${JSON.stringify(go)})) await new Promise((resolve) => setTimeout(resolve, 10));
await import(${JSON.stringify(PROGRAM)});\n`,
    );
    guarded = await startGuarded(
      watchdog,
      { model_path: folder.modelPath, fprocess: `${process.execPath} ${script}` },
      { awaitReady: false },
    );
    const { url } = guarded;
    const health = async (): Promise<number> => (await fetch(`${url}/_/health`).catch(() => ({ status: 0 }))).status;
    const early: number[] = [];
    while (early.filter((status) => status !== 0).length < 5) {
      early.push(await health());
      await sleep(20);
    }
    expect([...new Set(early)].filter((status) => status !== 0)).toEqual([503]);
    writeFileSync(go, "");
    while ((await health()) !== 200) {
      await sleep(10);
    }
    // Whatever is asked now is answered, not met with an empty 500.
    expect((await fetch(`${url}/accuracy`)).status).toBe(200);
  });

  it("listens where the watchdog asks alone, on no other address", async () => {
    const { inner } = await start();
    const answered = async (host: string): Promise<boolean> => {
      const socket = connect({ host, port: inner, timeout: 1000 });
      const outcome = await Promise.race(
        ["connect", "error", "timeout"].map((name) => once(socket, name).then(() => name)),
      ).catch(() => "error");
      socket.destroy();
      return outcome === "connect";
    };
    expect(await answered("127.0.0.1")).toBe(true);
    // Another of this machine's own addresses.
    expect(await answered("127.0.0.2")).toBe(false);
  });

  it("passes refusals on as they are", async () => {
    const { url } = await start();
    await problemOf(await fetch(`${url}/nowhere`), 404);
    await problemOf(await fetch(url, { method: "POST", body: new Uint8Array(5_000_000) }), 413);
  });

  it("answers 504 with a sentence before the watchdog answers it with nothing", async () => {
    const { url } = await start({ exec_timeout: "1s" });
    expect((await problemOf(await fetch(`${url}/?wait=3000`), 504)).detail).toContain("900 ms");
    await problemOf(await fetch(`${url}/?wait=3000`, { headers: { "x-timeout": "500ms" } }), 504);
  });

  it("notices when a client goes away", async () => {
    const { url, lines } = await start();
    const controller = new AbortController();
    const gone = fetch(`${url}/?wait=2000`, { signal: controller.signal });
    await sleep(200);
    controller.abort();
    await expect(gone).rejects.toThrow();
    while (!lines.some((line) => line.includes('"status":499'))) {
      await sleep(10);
    }
  });

  it("loses no request when SIGTERM comes in the middle of load", async () => {
    const { url, process: child, ended, lines } = await start({ healthcheck_interval: "1s" });
    const statuses = new Map<number, number>();
    const unanswered: string[] = [];
    let sent = 0;
    let closed = false;
    const client = async (): Promise<void> => {
      while (!closed) {
        const id = `request-${++sent}`;
        try {
          // Connections of their own, as the gateway's are in a cluster.
          const response = await fetch(`${url}/?wait=50`, {
            method: "POST",
            body: new Uint8Array(3072),
            headers: { connection: "close", "x-call-id": id },
          });
          await response.arrayBuffer();
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        } catch {
          unanswered.push(id);
          closed = true;
        }
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await sleep(500);
    child.kill("SIGTERM");
    await sleep(300);
    expect((await fetch(`${url}/_/health`)).status).toBe(503);
    await Promise.all(clients);
    expect(await ended).toBe(0);
    // Connections that the watchdog closed before it accepted them are no requests: they never reached the function.
    expect(unanswered.filter((id) => lines.some((line) => line.includes(`"${id}"`)))).toEqual([]);
    expect([...statuses]).toEqual([[200, sent - unanswered.length]]);
    expect(sent).toBeGreaterThan(clients.length);
    expect(lines.some((line) => line.includes(`"message":"draining"`))).toBe(true);
  });

  it("is ended by a configuration that is not valid, with one line that says which", async () => {
    guarded = await startGuarded(watchdog, { model_path: folder.modelPath, threads: "none" }, { awaitReady: false });
    expect(await guarded.ended).toBe(1);
    const said = guarded.lines.filter((line) => line.includes("threads must be"));
    expect(said).toHaveLength(1);
    expect(JSON.parse(said[0]!)).toMatchObject({ level: "error" });
  });

  it("is ended by a model file that cannot be read, with one line that says why", async () => {
    const broken = makeFunctionFolder();
    writeFileSync(broken.modelPath, "not a model");
    guarded = await startGuarded(watchdog, { model_path: broken.modelPath }, { awaitReady: false });
    expect(await guarded.ended).toBe(1);
    expect(guarded.lines.filter((line) => line.includes('"level":"error"'))).toHaveLength(1);
    broken.remove();
  });
});
