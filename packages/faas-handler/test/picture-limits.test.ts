import { afterEach, describe, expect, it } from "vitest";
import {
  fakeClassifier,
  fakePng,
  PICTURE_BYTES,
  planes,
  problemOf,
  type RunningFunction,
  record,
  startFunction,
} from "./support/function.ts";

const started: RunningFunction[] = [];

async function start(config: Record<string, number>): Promise<RunningFunction> {
  const running = await startFunction({ config });
  started.push(running);
  return running;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
});

type Send = (running: RunningFunction, count: number, query?: string) => Promise<Response>;

const json =
  (image: unknown): Send =>
  ({ url }, count, query = "") =>
    fetch(url + query, {
      method: "POST",
      body: JSON.stringify({ images: new Array(count).fill(image) }),
      headers: { "content-type": "application/json" },
    });

const WAYS: readonly (readonly [string, Send])[] = [
  ["files in JSON", json(Buffer.from(fakePng(3)).toString("base64"))],
  ["planes in JSON", json(Buffer.from(planes(3)).toString("base64"))],
  ["numbers in JSON", json(new Array(32).fill(new Array(32).fill([3, 4, 5])))],
  [
    "files of a form",
    ({ url }, count) => {
      const form = new FormData();
      for (let file = 0; file < count; file++) {
        form.append("image", new Blob([fakePng(3)]), "a.png");
      }
      return fetch(url, { method: "POST", body: form });
    },
  ],
  [
    "records",
    ({ url }, count) =>
      fetch(url, {
        method: "POST",
        body: new Uint8Array(Buffer.concat(new Array<Uint8Array>(count).fill(record(1, 3)))),
      }),
  ],
];

describe.each(WAYS)("%s", (_, send) => {
  it("may be as many as max_pictures says and not one more", async () => {
    const running = await start({ maxPictures: 5 });
    expect(await (await send(running, 5)).json()).toHaveLength(5);
    expect(running.classifier.calls).not.toEqual([]);
    const calls = running.classifier.calls.length;
    const refused = await problemOf(await send(running, 6), 413);
    expect(refused.detail).toContain("holds 6 pictures, but may have 5 at most");
    expect(running.classifier.calls).toHaveLength(calls);
  });
});

describe("pictures that are small in the body", () => {
  const send = WAYS[0]![1];

  it("may not become more than twice max_body_bytes for the network", async () => {
    const running = await start({ maxBodyBytes: 5 * PICTURE_BYTES });
    expect(await (await send(running, 10)).json()).toHaveLength(10);
    expect((await problemOf(await send(running, 11), 413)).detail).toContain("may have 10 at most");
  });

  it("may be one that is larger than that", async () => {
    const running = await start({ maxBodyBytes: 1000 });
    expect(await (await send(running, 1)).json()).toHaveLength(1);
    expect((await problemOf(await send(running, 2), 413)).detail).toContain("may have 1 at most");
  });

  it("share with the bodies of other requests the memory that there is for them", async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = await startFunction({
      config: { maxBodyBytes: 5 * PICTURE_BYTES },
      classifier: Object.assign(fakeClassifier(), { gate }),
    });
    started.push(running);
    // Four bodies of the largest size are there room for; the pixels of two requests are as much.
    const first = [send(running, 10), send(running, 10)];
    while (running.classifier.calls.length === 0 || running.application.inflight < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(async () => (await send(running, 10)).status).toBe(429);
    open();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await send(running, 10)).status).toBe(200);
  });
});

describe("?input=true", () => {
  const send = WAYS[0]![1];

  it("shows as many pictures as max_body_bytes holds, and one in any case", async () => {
    const running = await start({ maxBodyBytes: 3 * PICTURE_BYTES });
    const shown = await (await send(running, 3, "/?input=true")).json();
    expect(shown.map(({ input }: { input: string }) => Buffer.from(input, "base64").length)).toEqual([
      3072, 3072, 3072,
    ]);
    const refused = await problemOf(await send(running, 4, "/?input=true"), 413);
    expect(refused.detail).toContain(`${4 * PICTURE_BYTES} bytes of 4 pictures, but may hold ${3 * PICTURE_BYTES}`);
    expect((await send(running, 4)).status).toBe(200);
    const small = await start({ maxBodyBytes: 1000 });
    expect((await send(small, 1, "/?input=true")).status).toBe(200);
  });
});
