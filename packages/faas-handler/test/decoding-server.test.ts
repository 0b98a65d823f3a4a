import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Application } from "../src/application.ts";
import { readConfig } from "../src/config.ts";
import { createDecoder } from "../src/decoding/decoder.ts";
import { GarbageMeter } from "../src/garbage.ts";
import { SILENT } from "../src/log.ts";
import { FunctionServer } from "../src/server.ts";
import { bundleDecodeThread, type DecodeScript, threadOf } from "./support/decode-thread.ts";
import { fakeClassifier, planes, problemOf } from "./support/function.ts";
import { encodePng } from "./support/png.ts";

let script: DecodeScript;
const servers: FunctionServer[] = [];

beforeAll(async () => {
  script = await bundleDecodeThread();
});

afterAll(() => script.remove());

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
});

/** A function whose first thread never comes back from the picture that it decodes. */
async function startStuck(): Promise<{ url: string; server: FunctionServer; threads: Worker[] }> {
  const config = readConfig({ exec_timeout: "20s" });
  const threads: Worker[] = [];
  const decoder = createDecoder({
    config,
    logger: SILENT,
    garbage: new GarbageMeter(undefined),
    open: (data) => {
      const thread = threads.length === 0 ? threadOf("for (;;);") : script.open(data);
      threads.push(thread);
      return thread;
    },
  });
  const application = new Application({
    config,
    logger: SILENT,
    decode: decoder.decode,
    closeDecoder: () => decoder.close(),
  });
  application.use(fakeClassifier());
  const server = new FunctionServer(application);
  servers.push(server);
  return { url: `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}`, server, threads };
}

const large = encodePng({ width: 1000, height: 1000 });

function post(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { method: "POST", body: large, ...init });
}

describe("while a picture is being decoded", () => {
  it("health and other pictures are answered, and its own time-out ends it", async () => {
    const { url, threads } = await startStuck();
    const stuck = post(url, { headers: { "x-timeout": "3s" } });
    await vi.waitFor(() => expect(threads).toHaveLength(1));
    expect((await fetch(`${url}/_/health`)).status).toBe(200);
    expect((await fetch(url, { method: "POST", body: planes(3) })).status).toBe(200);
    expect((await fetch(url, { method: "POST", body: encodePng({ width: 64, height: 64 }) })).status).toBe(200);
    // Where it was still the same thread, this one would have to wait for ever.
    const next = post(url);
    await problemOf(await stuck, 504);
    expect((await next).status).toBe(200);
    expect(threads).toHaveLength(2);
  });

  it("its client's going away ends it", async () => {
    const { url, threads } = await startStuck();
    const controller = new AbortController();
    const gone = post(url, { signal: controller.signal });
    await vi.waitFor(() => expect(threads).toHaveLength(1));
    controller.abort();
    await expect(gone).rejects.toThrowError();
    expect((await post(url)).status).toBe(200);
  });

  it("the end is waited for no longer than the picture's time-out", async () => {
    const { url, server, threads } = await startStuck();
    const stuck = post(url, { headers: { "x-timeout": "2s" } });
    await vi.waitFor(() => expect(threads).toHaveLength(1));
    const stopped = server.stop(0);
    await problemOf(await stuck, 504);
    await stopped;
  });
});
