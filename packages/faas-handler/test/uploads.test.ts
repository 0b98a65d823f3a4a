import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../src/problem.ts";
import { type Upload, Uploads } from "../src/uploads.ts";
import { labelFor, planes, type RunningFunction, type StartOptions, startFunction } from "./support/function.ts";
import { headOf, openRaw, type RawConnection } from "./support/raw.ts";

describe("bodies that do not come", () => {
  const running: RunningFunction[] = [];
  const connections: RawConnection[] = [];

  async function start(options: StartOptions): Promise<RunningFunction> {
    const one = await startFunction(options);
    running.push(one);
    return one;
  }

  async function upload(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<RawConnection> {
    const connection = await openRaw(port);
    connections.push(connection);
    for (const part of parts) {
      connection.socket.write(part);
    }
    return connection;
  }

  const post = ({ url }: RunningFunction, red: number) => fetch(url, { method: "POST", body: planes(red) });

  afterEach(async () => {
    for (const { socket } of connections.splice(0)) {
      socket.destroy();
    }
    await Promise.all(running.splice(0).map((each) => each.stop()));
  });

  it("take no place: 64 that stop after a byte turn nobody away, and GET has its own", async () => {
    const one = await start({ config: { maxInflight: 4 } });
    for (let index = 0; index < 64; index++) {
      await upload(one.port, headOf(3072), "x");
    }
    await vi.waitFor(() => expect(one.application.inflight).toBe(64));
    expect(one.application.working).toBe(0);
    for (let red = 0; red < 8; red++) {
      expect(await (await post(one, red)).json()).toMatchObject({ label: labelFor(red) });
    }
    expect((await fetch(`${one.url}/accuracy`)).status).toBe(200);
    expect((await fetch(one.url)).status).toBe(200);
  });

  it("end with 408 and the connection's end, also where a byte comes now and then", async () => {
    const one = await start({ config: { uploadTimeout: 300 } });
    const still = await upload(one.port, headOf(3072), "x");
    const slow = await upload(one.port, headOf(3072));
    const drip = setInterval(() => slow.socket.write("x"), 50);
    for (const { ended } of [still, slow]) {
      expect(await ended).toMatch(/^HTTP\/1\.1 408 [\s\S]*connection: close[\s\S]*urn:cifar:problem:request-timeout/i);
    }
    clearInterval(drip);
    expect(one.lines.filter(({ status, level }) => status === 408 && level === "info")).toHaveLength(2);
    await vi.waitFor(() => expect(one.application.inflight).toBe(0));
  });

  it("end with 408 in /evaluate too", async () => {
    const one = await start({ config: { uploadTimeout: 300 } });
    const { ended } = await upload(one.port, headOf(30730, "/evaluate"), new Uint8Array(5000));
    expect(await ended).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("leave GET its own place while all others are taken", async () => {
    const one = await start({ config: { maxInflight: 1 } });
    let open = (): void => undefined;
    one.classifier.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = post(one, 1);
    await vi.waitFor(() => expect(one.application.working).toBe(1));
    expect((await post(one, 2)).status).toBe(429);
    expect((await fetch(`${one.url}/accuracy`)).status).toBe(200);
    open();
    expect((await first).status).toBe(200);
  });

  it("give their memory to others: four that stop one byte short turn nobody away", async () => {
    const one = await start({ config: { maxBodyBytes: 100_000 } });
    for (let index = 0; index < 4; index++) {
      await upload(one.port, headOf(100_000), new Uint8Array(99_999));
    }
    await sleep(1300);
    for (let red = 0; red < 8; red++) {
      expect((await post(one, red)).status).toBe(200);
    }
    const refused = one.lines.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
  });

  it("are not what the client waits for: a model that loads longer than uploads may take", async () => {
    const one = await start({ config: { uploadTimeout: 200 }, loaded: false });
    const early = fetch(one.url, { method: "POST", body: new Uint8Array(2_000_000) });
    await sleep(700);
    one.application.use(one.classifier);
    expect((await early).status).toBe(422);
  });
});

describe("Uploads", () => {
  /** A body whose chunks come after some time each. */
  async function* coming(...chunks: readonly (readonly [milliseconds: number, bytes: number])[]) {
    for (const [milliseconds, bytes] of chunks) {
      await vi.advanceTimersByTimeAsync(milliseconds);
      yield new Uint8Array(bytes);
    }
  }

  async function readAll(upload: Upload, body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of upload.read(body)) {
      upload.grow(chunk.byteLength);
    }
  }

  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    { name: "4 KiB a second", bytes: 4096, refused: false },
    { name: "3 KiB a second", bytes: 3072, refused: true },
  ])("takes what comes with $name: $refused", async ({ bytes, refused }) => {
    vi.useFakeTimers();
    const problems: Problem[] = [];
    const upload = new Uploads({ bytes: 1e6, patience: 2000 }).open((problem) => problems.push(problem));
    await readAll(upload, coming(...Array.from({ length: 20 }, () => [1000, bytes] as const)));
    expect(problems.map(({ code }) => code)).toEqual(refused ? ["request-timeout"] : []);
  });

  it("does not save up what came fast: who stops then has the same time as everyone", async () => {
    vi.useFakeTimers();
    const problems: Problem[] = [];
    const upload = new Uploads({ bytes: 1e7, patience: 2000 }).open((problem) => problems.push(problem));
    await readAll(upload, coming([0, 1e6], [2400, 1]));
    expect(problems).toHaveLength(1);
  });

  it("forgets a body that nobody reads any further", async () => {
    const uploads = new Uploads({ bytes: 10, patience: 1000 });
    const upload = uploads.open(() => undefined);
    const chunks = upload.read(coming([0, 1], [0, 1]));
    vi.useFakeTimers();
    await chunks.next();
    expect(uploads.coming).toBe(1);
    upload.end();
    expect(uploads.coming).toBe(0);
  });

  it("lets no body have memory that is taken by bodies that come", () => {
    const uploads = new Uploads({ bytes: 10, patience: 1000 });
    const first = uploads.open(() => undefined);
    const second = uploads.open(() => undefined);
    first.grow(10);
    expect(() => second.grow(1)).toThrow(Problem);
    expect(first.end()).toBe(10);
    second.grow(10);
    expect(second.held).toBe(10);
  });
});
