import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  fakePng,
  labelFor,
  planes,
  type RunningFunction,
  type StartOptions,
  startFunction,
} from "./support/function.ts";
import { headOf, openRaw } from "./support/raw.ts";

const running: RunningFunction[] = [];

async function start(options: StartOptions = {}): Promise<RunningFunction> {
  const one = await startFunction(options);
  running.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

const WHOLE = "Host: x\r\n\r\n";

describe("an answer given before the body was read", () => {
  it.each([
    { name: "413", head: headOf(3_000_000), status: 413, config: { maxBodyBytes: 1000 } },
    { name: "404", head: headOf(3_000_000, "/nowhere"), status: 404, config: {} },
    { name: "405", head: headOf(3_000_000, "/accuracy"), status: 405, config: {} },
    { name: "400", head: headOf(3_000_000, "/?top=x"), status: 400, config: {} },
    { name: "406", head: headOf(3_000_000, "/", "Accept: text/plain\r\n"), status: 406, config: {} },
    { name: "504", head: headOf(3_000_000, "/", "X-Timeout: 200ms\r\n"), status: 504, config: {} },
  ])("ends the connection: $name", async ({ head, status, config }) => {
    const { port } = await start({ config });
    const { socket, received } = await openRaw(port);
    socket.write(head);
    socket.write(new Uint8Array(2000));
    await vi.waitFor(() => expect(received()).toContain("urn:cifar:problem:"));
    expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*\\r\\nconnection: close\\r\\n`, "i"));
    socket.destroy();
  });

  it("is followed by the connection's end once the client has had time to read it", async () => {
    const { port } = await start();
    const { socket, ended } = await openRaw(port);
    socket.write(headOf(3_000_000, "/nowhere"));
    expect(await ended).toContain("urn:cifar:problem:not-found");
  });

  it("leaves the connection to those whose body was read", async () => {
    const { port } = await start();
    const { socket, received } = await openRaw(port);
    for (let answers = 1; answers <= 3; answers++) {
      socket.write(`${headOf(10, "/nowhere")}0123456789`);
      await vi.waitFor(() => expect(received().match(/HTTP\/1\.1 404/g)).toHaveLength(answers));
    }
    expect(received()).not.toMatch(/connection: close/i);
    socket.destroy();
  });

  it("costs nobody else a request: 24 clients with large images behind a pool of connections", async () => {
    const one = await start({ config: { maxInflight: 2 } });
    // As the watchdog's: the next request goes to any connection whose answer is here.
    const pool = new Agent({ keepAlive: true, scheduling: "lifo" });
    const large = fakePng(7, 400_000);
    const seen = new Map<string, number>();
    const client = async (body: Uint8Array, requests: number): Promise<void> => {
      for (let index = 0; index < requests; index++) {
        const outcome = await exchange(one.port, pool, { path: "/", body }).then(
          ({ status }) => String(status),
          (error: NodeJS.ErrnoException) => error.code ?? error.message,
        );
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all([
      ...Array.from({ length: 24 }, () => client(large, 12)),
      ...Array.from({ length: 8 }, () => client(planes(1), 40)),
    ]);
    pool.destroy();
    expect([...seen.keys()].sort()).toEqual(["200", "429"]);
  });
});

function exchange(port: number, agent: Agent, { path, body }: { readonly path: string; readonly body: Uint8Array }) {
  return new Promise<{ readonly status: number; readonly connection: string | undefined }>((resolve, reject) => {
    const headers = { "transfer-encoding": "chunked" };
    const outgoing = httpRequest({ host: "127.0.0.1", port, path, method: "POST", agent, headers }, (incoming) => {
      incoming.resume();
      incoming.on("end", () => resolve({ status: incoming.statusCode!, connection: incoming.headers.connection }));
      incoming.on("error", reject);
    });
    outgoing.on("error", (error) => reject(outgoing.reusedSocket ? new Error("lost on a kept connection") : error));
    outgoing.end(body);
  });
}

describe("an answer that nobody reads", () => {
  it("counts as in flight, and is given up after answer_timeout", async () => {
    const one = await start({ config: { answerTimeout: 300, maxInflight: 1 } });
    // More than the buffers of a connection hold.
    one.application.hooks = { after: async () => "x".repeat(2 ** 25) };
    const { socket } = await openRaw(one.port);
    socket.pause();
    socket.write(headOf(3072));
    socket.write(planes(1));
    await vi.waitFor(() => expect(one.lines.some(({ status }) => status === 200)).toBe(true), { timeout: 20_000 });
    expect(one.application.working).toBe(1);
    expect((await fetch(one.url, { method: "POST", body: planes(1) })).status).toBe(429);
    await vi.waitFor(() => expect(one.application.inflight).toBe(0), { timeout: 5000 });
    expect(
      one.lines.filter(({ level, message }) => level === "warn" && message === "the answer was not read in time"),
    ).toHaveLength(1);
    socket.destroy();
  });
});

describe("what is not HTTP", () => {
  it.each([
    { name: "400", text: "nonsense\r\n\r\n", status: 400, type: "invalid-request" },
    { name: "431", text: `GET / HTTP/1.1\r\nX: ${"x".repeat(70_000)}\r\n\r\n`, status: 431, type: "headers-too-large" },
  ])("is refused with $name in the form of all refusals, and logged", async ({ text, status, type }) => {
    const one = await start();
    const { socket, ended } = await openRaw(one.port);
    socket.write(text);
    const answer = await ended;
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*urn:cifar:problem:${type}`));
    expect(answer).toMatch(/\r\nx-content-type-options: nosniff\r\n/);
    expect(one.lines.at(-1)).toMatchObject({ level: "info", status });
  });

  it("comes after the answer to the request before it", async () => {
    const one = await start();
    let open = (): void => undefined;
    one.classifier.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { socket, ended } = await openRaw(one.port);
    socket.write(headOf(3072));
    socket.write(planes(4));
    socket.write("nonsense\r\n\r\n");
    await vi.waitFor(() => expect(one.classifier.calls).toHaveLength(1));
    await sleep(50);
    open();
    expect(await ended).toMatch(new RegExp(`^HTTP/1\\.1 200 [\\s\\S]*"${labelFor(4)}"[\\s\\S]*HTTP/1\\.1 400 `));
  });

  it("in a body is the answer to that body's request", async () => {
    const one = await start();
    const { socket, ended } = await openRaw(one.port);
    socket.write(`POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${WHOLE}5\r\nabcde\r\nno length\r\n`);
    const answer = await ended;
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*urn:cifar:problem:invalid-request/);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(one.lines.filter(({ status }) => status === 400)).toHaveLength(1);
  });
});

describe("every answer", () => {
  it("forbids browsers to guess its type", async () => {
    const one = await start({ config: { maxBodyBytes: 5000 } });
    const answers = await Promise.all([
      fetch(one.url),
      fetch(one.url, { headers: { accept: "text/html" } }),
      fetch(`${one.url}/accuracy`),
      fetch(`${one.url}/nowhere`),
      fetch(`${one.url}/_/health`),
      fetch(`${one.url}/_/ready`),
      fetch(one.url, { method: "POST", body: planes(1) }),
      fetch(one.url, { method: "POST", body: new Uint8Array(6000) }),
      fetch(`${one.url}/evaluate`, { method: "POST", body: new Uint8Array(3073) }),
    ]);
    expect(new Set(answers.map(({ headers }) => headers.get("x-content-type-options")))).toEqual(new Set(["nosniff"]));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404, 200, 200, 200, 413, 200]);
  });
});

describe("X-Timeout", () => {
  it.each([
    { asked: "199ms", limit: 179, level: "info" },
    { asked: "200ms", limit: 180, level: "error" },
    { asked: "201ms", limit: 180, level: "error" },
    { asked: "0", limit: 180, level: "error" },
    { asked: "soon", limit: 180, level: "error" },
    { asked: "9999999h", limit: 180, level: "error" },
  ])("of $asked where 200 ms are configured gives $limit ms, logged as $level", async ({ asked, limit, level }) => {
    const one = await start({ config: { execTimeout: 200 } });
    one.classifier.gate = new Promise(() => undefined);
    const answer = await fetch(one.url, { method: "POST", body: planes(1), headers: { "x-timeout": asked } });
    expect(answer.status).toBe(504);
    expect((await answer.json()).detail).toBe(`The answer was not ready within ${limit} ms.`);
    expect(one.lines.at(-1)).toMatchObject({ status: 504, level });
  });
});

describe("the end of a drain", () => {
  it("costs keep-alive clients no request: each answer while draining ends its connection", async () => {
    const one = await start();
    const agent = new Agent({ keepAlive: true });
    const outcomes = new Map<string, number>();
    let stopped = false;
    const client = async (): Promise<void> => {
      while (!stopped) {
        const outcome = await exchange(one.port, agent, { path: "/", body: planes(1) }).then(
          ({ status }) => String(status),
          (error: NodeJS.ErrnoException) => error.code ?? error.message,
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        // Nobody listens any more, or nobody accepts what has connected: this request never reached the function.
        stopped ||= outcome === "ECONNREFUSED" || outcome === "ECONNRESET";
        await sleep(5);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await sleep(200);
    await one.server.stop(300);
    await Promise.all(clients);
    agent.destroy();
    expect(
      [...outcomes.keys()].filter((outcome) => !["200", "503", "ECONNREFUSED", "ECONNRESET"].includes(outcome)),
    ).toEqual([]);
    expect(outcomes.get("200")).toBeGreaterThan(50);
  });
});
