import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { ONE_BY_ONE } from "../src/classifier.ts";
import { createLogger } from "../src/log.ts";
import {
  fakeClassifier,
  labelFor,
  planes,
  problemOf,
  type RunningFunction,
  type StartOptions,
  startFunction,
} from "./support/function.ts";

const started: RunningFunction[] = [];

async function start(options: StartOptions = {}): Promise<RunningFunction> {
  const running = await startFunction(options);
  started.push(running);
  return running;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
});

function post({ url }: RunningFunction, red: number, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { method: "POST", body: planes(red), ...init });
}

/** A door that stays shut until it is opened. */
function gate(): { readonly shut: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const shut = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { shut, open };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(2);
  }
}

describe("the start", () => {
  it("listens before the model is loaded, says so, and answers what came early once it is", async () => {
    const running = await start({ loaded: false });
    expect((await problemOf(await fetch(`${running.url}/_/ready`), 503)).type).toBe("urn:cifar:problem:not-ready");
    expect((await fetch(`${running.url}/_/health`)).status).toBe(200);
    const early = post(running, 4);
    await until(() => running.application.inflight === 1);
    running.application.use(running.classifier);
    expect(await (await early).json()).toMatchObject({ label: labelFor(4) });
    expect((await fetch(`${running.url}/_/ready`)).status).toBe(200);
  });

  it("that fails answers with 503 who waits for the model", async () => {
    const running = await start({ loaded: false });
    const early = post(running, 4);
    await until(() => running.application.inflight === 1);
    running.application.giveUp();
    expect((await problemOf(await early, 503)).type).toBe("urn:cifar:problem:draining");
  });
});

describe("many requests at once", () => {
  it("are computed together as far as the network likes, and each gets its own answer", async () => {
    const running = await start({ classifier: fakeClassifier({ batch: { fewest: 2, most: 4 } }) });
    const door = gate();
    running.classifier.gate = door.shut;
    const first = post(running, 0);
    await until(() => running.classifier.calls.length === 1);
    const others = Array.from({ length: 9 }, (_, index) => post(running, index + 1));
    await until(() => running.application.inflight === 10);
    await sleep(20);
    door.open();
    const labels = (await Promise.all([first, ...others].map(async (each) => (await each).json()))).map(
      ({ label }) => label,
    );
    expect(labels).toEqual(Array.from({ length: 10 }, (_, index) => labelFor(index)));
    expect(running.classifier.calls).toEqual([1, 4, 4, 1]);
  });

  it("are computed one by one where that is not slower", async () => {
    const running = await start({ classifier: fakeClassifier({ batch: ONE_BY_ONE }) });
    await Promise.all(Array.from({ length: 5 }, (_, index) => post(running, index)));
    expect(running.classifier.calls).toEqual([1, 1, 1, 1, 1]);
  });

  it("are computed one by one where they are too few for a batch", async () => {
    const running = await start({ classifier: fakeClassifier({ batch: { fewest: 3, most: 4 } }) });
    const door = gate();
    running.classifier.gate = door.shut;
    const all = [post(running, 0)];
    await until(() => running.classifier.calls.length === 1);
    all.push(...Array.from({ length: 6 }, (_, index) => post(running, index + 1)));
    await until(() => running.application.inflight === 7);
    await sleep(20);
    door.open();
    const labels = (await Promise.all(all.map(async (each) => (await each).json()))).map(({ label }) => label);
    expect(labels).toEqual(Array.from({ length: 7 }, (_, index) => labelFor(index)));
    expect(running.classifier.calls).toEqual([1, 4, 1, 1]);
  });

  it("are refused with 429 beyond max_inflight, at once", async () => {
    const running = await start({ config: { maxInflight: 2 } });
    const door = gate();
    running.classifier.gate = door.shut;
    const accepted = [post(running, 1), post(running, 2)];
    await until(() => running.application.inflight === 2);
    const refused = await post(running, 3);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await problemOf(refused, 429)).type).toBe("urn:cifar:problem:too-many-requests");
    expect((await fetch(`${running.url}/_/ready`)).status).toBe(200);
    door.open();
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("do not wait behind one request with many pictures", async () => {
    const running = await start({ classifier: fakeClassifier({ batch: { fewest: 2, most: 2 }, milliseconds: 5 }) });
    const records = new Uint8Array(3073 * 100);
    let manyDone = false;
    const many = fetch(running.url, { method: "POST", body: records }).then((response) => {
      manyDone = true;
      return response.json();
    });
    await until(() => running.classifier.calls.length > 0);
    await (await post(running, 1)).json();
    expect(manyDone).toBe(false);
    expect(await many).toHaveLength(100);
  });

  it("share the memory for bodies: what does not fit is refused with 429", async () => {
    const running = await start({ config: { maxBodyBytes: 3072 } });
    const door = gate();
    running.classifier.gate = door.shut;
    const accepted = Array.from({ length: 4 }, (_, index) => post(running, index));
    await until(() => running.application.inflight === 4);
    await sleep(20);
    await problemOf(await post(running, 5), 429);
    door.open();
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await post(running, 5)).status).toBe(200);
  });
});

describe("a request that nobody waits for", () => {
  it("is taken out of the queue", async () => {
    const running = await start({ classifier: fakeClassifier({ batch: ONE_BY_ONE }) });
    const door = gate();
    running.classifier.gate = door.shut;
    const first = post(running, 1);
    await until(() => running.classifier.calls.length === 1);
    const controller = new AbortController();
    const second = post(running, 2, { signal: controller.signal });
    const third = post(running, 3);
    await until(() => running.application.inflight === 3);
    await sleep(20);
    controller.abort();
    await expect(second).rejects.toThrow();
    await until(() => running.application.inflight === 2);
    door.open();
    await Promise.all([first, third]);
    expect(running.classifier.calls).toEqual([1, 1]);
    expect(running.lines.filter(({ status }) => status === 499)).toHaveLength(1);
  });
});

describe("the time of a request", () => {
  it("ends with 504 a little before the watchdog's own", async () => {
    const running = await start({ config: { execTimeout: 300 } });
    running.classifier.gate = new Promise(() => undefined);
    const began = performance.now();
    expect((await problemOf(await post(running, 1), 504)).type).toBe("urn:cifar:problem:out-of-time");
    expect(performance.now() - began).toBeLessThan(300);
  });

  it("is shorter where X-Timeout asks for it, also for a body that never ends", async () => {
    const running = await start();
    const stuck = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    const response = await fetch(running.url, {
      method: "POST",
      body: stuck,
      headers: { "x-timeout": "200ms" },
      duplex: "half",
    } as RequestInit);
    await problemOf(response, 504);
  });
});

describe("the end", () => {
  it("keeps serving for the watchdog's interval, says 503 on /_/ready, then finishes what is in flight", async () => {
    const running = await start();
    const stopped = running.server.stop(100);
    expect((await problemOf(await fetch(`${running.url}/_/ready`), 503)).type).toBe("urn:cifar:problem:draining");
    expect(await (await post(running, 6)).json()).toMatchObject({ label: labelFor(6) });
    const door = gate();
    running.classifier.gate = door.shut;
    const last = post(running, 7);
    await until(() => running.application.inflight === 1);
    await sleep(400);
    await expect(post(running, 8)).rejects.toThrow();
    door.open();
    expect(await (await last).json()).toMatchObject({ label: labelFor(7) });
    await stopped;
    expect(running.classifier.closed).toBe(true);
  });

  it("answers 503 to requests on connections that are still open once it takes no more", async () => {
    const running = await start();
    const door = gate();
    running.classifier.gate = door.shut;
    const pending = post(running, 1);
    await until(() => running.application.inflight === 1);
    const socket = connect(running.port, "127.0.0.1");
    await once(socket, "connect");
    const stopped = running.server.stop(0);
    socket.write("GET /accuracy HTTP/1.1\r\nHost: x\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 503 [\s\S]*urn:cifar:problem:draining/);
    door.open();
    expect((await pending).status).toBe(200);
    socket.end();
    await stopped;
  });
});

describe("the log", () => {
  it("has a line for each request with its X-Call-Id, and probes only when debugging", async () => {
    const running = await start({ logLevel: "info" });
    await post(running, 1, { headers: { "x-call-id": "7f3c" } });
    await fetch(`${running.url}/_/health`);
    await fetch(`${running.url}/nowhere`);
    expect(running.lines).toHaveLength(2);
    expect(running.lines[0]).toMatchObject({
      level: "info",
      method: "POST",
      path: "/",
      status: 200,
      callId: "7f3c",
      pictures: 1,
    });
    expect(running.lines[1]).toMatchObject({ status: 404 });
  });

  it("keeps lines far below what ends the watchdog's logging", () => {
    const lines: string[] = [];
    createLogger("info", (line) => lines.push(line)).log("info", "x".repeat(100_000), { path: "/".repeat(100_000) });
    expect(lines[0]!.length).toBeLessThan(10_000);
    expect(lines[0]).toMatch(/^\{[^\n]*\}\n$/);
  });

  it("writes nothing that a terminal would obey, and loses nothing", () => {
    const lines: string[] = [];
    const path = "/\u001b[2J\u0007\u009b31m\n\u2028\u202egnp";
    createLogger("info", (line) => lines.push(line)).log("info", path, { path });
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}](?!$)/u);
    expect(JSON.parse(lines[0]!)).toMatchObject({ message: path, path });
  });

  it("tells the operator of a failure what the client is not told", async () => {
    const running = await start();
    running.classifier.gate = Promise.reject(new Error("the reason within"));
    running.classifier.gate.catch(() => undefined);
    const problem = await problemOf(await post(running, 1), 500);
    expect(JSON.stringify(problem)).not.toContain("within");
    expect(running.lines.at(-1)).toMatchObject({ level: "error", status: 500 });
    expect(running.lines.at(-1)!["cause"]).toContain("the reason within");
  });
});

describe("what is not HTTP", () => {
  it("is refused in the same form as everything else", async () => {
    const running = await start();
    const socket = connect(running.port, "127.0.0.1");
    socket.write("nonsense\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*urn:cifar:problem:invalid-request/,
    );
    socket.destroy();
  });
});
