import { Agent, request } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { Application } from "../../src/application.ts";
import { readConfig } from "../../src/config.ts";
import { createDecoder } from "../../src/decoding/decoder.ts";
import { GarbageMeter } from "../../src/garbage.ts";
import { SILENT } from "../../src/log.ts";
import { FunctionServer } from "../../src/server.ts";
import { fakeClassifier } from "../support/function.ts";
import { encodePng } from "../support/png.ts";

const AT_ONCE = 25;
const RUNS = fuzzRuns({ short: 3000 / AT_ONCE, full: 100_000 / AT_ONCE });
const BODIES = RUNS.numRuns * AT_ONCE;

interface Throw {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

interface Caught {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

function send(port: number, { path, headers, body }: Throw): Promise<Caught> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode!,
          type: incoming.headers["content-type"] ?? "",
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const bytes = fc.uint8Array({ maxLength: 6000 });

/** A file that was valid, then cut, or changed in a few places. */
function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.option(fc.nat(), { freq: 3 }))
    .map(([file, changes, cut]) => {
      const copy = Uint8Array.from(cut === null ? file : file.subarray(0, cut % (file.length + 1)));
      for (const [at, value] of changes) {
        if (copy.length > 0) {
          copy[at % copy.length] = value;
        }
      }
      return copy;
    });
}

const png = fc
  .record({
    width: fc.integer({ min: 1, max: 70 }),
    height: fc.integer({ min: 1, max: 70 }),
    rows: fc.option(fc.uint8Array({ maxLength: 3000 }), { nil: undefined, freq: 4 }),
  })
  .map(({ width, height, rows }) => encodePng({ width, height, ...(rows === undefined ? {} : { rows }) }));

/** Headers that promise anything, above a few bytes of scan. */
const jpeg = fc
  .tuple(fc.nat(0xffff), fc.nat(0xffff), fc.uint8Array({ maxLength: 300 }))
  .map(([height, width, scan]) =>
    Uint8Array.from([
      ...[0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, height >> 8, height & 255, width >> 8, width & 255, 1, 1, 0x11, 0],
      ...[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, ...scan, 0xff, 0xd9],
    ]),
  );

const records = fc
  .array(fc.nat(12), { maxLength: 4 })
  .map((labels) => Uint8Array.from(labels.flatMap((label) => [label, ...new Array<number>(3072).fill(label)])));

const planes = fc.nat(255).map((value) => new Uint8Array(3072).fill(value));

const large = fc.integer({ min: 20_001, max: 40_000 }).map((length) => new Uint8Array(length));

const file = fc.oneof(
  { arbitrary: png, weight: 6 },
  { arbitrary: damaged(png), weight: 6 },
  { arbitrary: damaged(jpeg), weight: 6 },
  { arbitrary: planes, weight: 6 },
  { arbitrary: bytes, weight: 6 },
  { arbitrary: large, weight: 1 },
);

const encoded = file.map((each) => Buffer.from(each).toString("base64"));
const json = fc
  .oneof(
    fc.json(),
    fc.json().map((text) => `{"image":${text}}`),
    encoded.map((image) => JSON.stringify({ image })),
    fc.array(encoded, { maxLength: 3 }).map((images) => JSON.stringify({ images })),
    fc.nat(3000).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
    fc.string(),
  )
  .map((text) => new TextEncoder().encode(text));

const form = fc
  .array(
    fc.tuple(
      file,
      fc.constantFrom('; filename="a.png"', "", '; filename="'),
      fc.constantFrom("image/png", "text/plain", ""),
    ),
    { maxLength: 3 },
  )
  .map((parts) =>
    Buffer.concat([
      ...parts.flatMap(([content, name, type]) => [
        Buffer.from(`--cut\r\nContent-Disposition: form-data; name="image"${name}\r\nContent-Type: ${type}\r\n\r\n`),
        content,
        Buffer.from("\r\n"),
      ]),
      Buffer.from("--cut--\r\n"),
    ]),
  );

/** Bodies of each type, most of them under the right name. */
const typed: fc.Arbitrary<readonly [string, Uint8Array]> = fc.oneof(
  fc.tuple(fc.constantFrom("image/png", "image/jpeg"), file),
  fc.tuple(fc.constant("application/octet-stream"), fc.oneof(file, records, damaged(records))),
  fc.tuple(fc.constantFrom("application/json", "application/json; charset=utf-8"), fc.oneof(json, damaged(json))),
  fc.tuple(fc.constant("multipart/form-data; boundary=cut"), fc.oneof(form, damaged(form), bytes)),
  fc.tuple(fc.constantFrom("", "text/plain", "multipart/form-data", 'a/b; c="', "image/*"), fc.oneof(file, json, form)),
);

const thrown: fc.Arbitrary<Throw> = fc
  .record({
    path: fc.constantFrom("/", "/", "/", "/?top=3", "/?top=x", "/?input=true", "/evaluate", "/evaluate", "/%00"),
    typed,
    length: fc.boolean(),
    accept: fc.constantFrom(undefined, undefined, "*/*", "application/json", "text/html", ";;"),
  })
  .map(({ path, typed: [type, body], length, accept }) => ({
    path,
    body,
    headers: {
      ...(type === "" ? {} : { "content-type": type }),
      ...(length ? { "content-length": String(body.length) } : { "transfer-encoding": "chunked" }),
      ...(accept === undefined ? {} : { accept }),
    },
  }));

/** Everything that is not a success is a whole refusal; nothing is the function's own failure. */
function check({ status, type, body }: Caught): void {
  const value = JSON.parse(body);
  if (status === 200) {
    expect(type).toBe("application/json");
    return;
  }
  // 429: together the bodies may be more than there is memory for.
  expect([400, 404, 406, 413, 415, 422, 429]).toContain(status);
  expect(type).toBe("application/problem+json");
  expect(value).toMatchObject({ status, type: expect.stringMatching(/^urn:cifar:problem:[a-z-]+$/) });
  expect(value.detail).not.toMatch(/\n|node:|\.[jt]s:/);
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes that are really in use. */
function inUse(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("random and half-valid bodies of every type", () => {
  let server: FunctionServer;
  let port: number;

  beforeAll(async () => {
    // The real decoder, with a network that costs nothing.
    const config = readConfig({ max_body_bytes: "20000", max_pixels: "100000" });
    const application = new Application({
      config,
      logger: SILENT,
      decode: createDecoder({ config, logger: SILENT, garbage: new GarbageMeter(undefined) }).decode,
    });
    application.use(fakeClassifier());
    server = new FunctionServer(application);
    port = await server.listen(0, "127.0.0.1");
  });

  afterAll(async () => {
    agent.destroy();
    await server.stop(0);
  });

  it(
    `are answered or refused correctly, ${BODIES} of them, and leave nothing behind in memory`,
    async () => {
      const seen = new Map<number, number>();
      let done = 0;
      let early = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(thrown, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (throws) => {
          for (const caught of await Promise.all(throws.map((each) => send(port, each)))) {
            check(caught);
            seen.set(caught.status, (seen.get(caught.status) ?? 0) + 1);
          }
          done += throws.length;
          if (early === 0 && done >= BODIES / 4) {
            early = inUse();
          }
        }),
        RUNS,
      );
      expect(done).toBeGreaterThanOrEqual(BODIES);
      // The bodies were what they were meant to be: each kind of answer came up.
      expect([...seen.keys()].filter((status) => status !== 429).sort()).toEqual([200, 400, 404, 406, 413, 415, 422]);
      // Sockets of refused bodies linger for a moment and hold on to what they read; what stays after that is a leak.
      await vi.waitFor(() => expect(inUse() - early).toBeLessThan(2 ** 23), { timeout: 10_000, interval: 250 });
    },
    Math.max(60_000, BODIES * 20),
  );
});
