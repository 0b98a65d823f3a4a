import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { labelFor, planes, type RunningFunction, startFunction } from "../support/function.ts";
import { openRaw } from "../support/raw.ts";

/** Connections at once in a run. */
const AT_ONCE = 20;

/** Mostly the first, so that not every request ends at its first line. */
const mostly = (usual: string, ...odd: readonly string[]) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 5 }, { arbitrary: fc.constantFrom(...odd), weight: 1 });

const method = mostly("POST", "GET", "PUT", "HEAD", "OPTIONS", "TRACE", "get", "", "P\u0000ST");
const path = fc.constantFrom(
  "/",
  "/evaluate",
  "/accuracy",
  "/_/ready",
  "/?top=2",
  "/?top=x",
  "//",
  "*",
  "/%",
  "http://x/",
);
const version = mostly("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "");
const framing = fc.constantFrom(
  "Content-Length: 10",
  "Content-Length: 3072",
  "Content-Length: 30000",
  "Transfer-Encoding: chunked",
);
const header = fc.constantFrom(
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Content-Length: 5, 6",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: identity",
  "Expect: 100-continue",
  "Expect: a miracle",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Connection: close",
  "Connection: keep-alive, x",
  "X-Timeout: 1ms",
  "X-Timeout: 99999999h",
  "Content-Type: multipart/form-data; boundary=x",
  "Content-Type: application/json",
  "Accept: text/html",
  "traceparent: 00-00-00-00",
  ": no name",
  "no colon",
  " folded: yes",
  `Long: ${"y".repeat(20_000)}`,
);
const chunk = fc.constantFrom(
  "a\r\n0123456789\r\n",
  "0\r\n\r\n",
  "FFFFFFFFFFFFFFFFF\r\n",
  "-1\r\n",
  "5;x=y\r\nabcde\r\n",
  "5\r\nabc",
);
const body = fc.oneof(
  fc.constant(""),
  fc.array(chunk, { maxLength: 4 }).map((chunks) => chunks.join("")),
  fc.uint8Array({ maxLength: 4000 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);
const request = fc
  .record({
    method,
    path,
    version,
    framing,
    headers: fc.array(header, { maxLength: 2 }),
    body,
    end: mostly("\r\n\r\n", "\n\n", "\r\n"),
  })
  .map(({ method, path, version, framing, headers, body, end }) =>
    [[`${method} ${path} ${version}`, "Host: x", framing, ...headers].join("\r\n"), end, body].join(""),
  );

/** What a client writes, in pieces, and whether it then ends its side or goes away. */
const client = fc.record({
  text: fc.array(request, { minLength: 1, maxLength: 3 }).map((requests) => requests.join("")),
  cuts: fc.array(fc.nat(30_000), { maxLength: 3 }),
  goodbye: fc.constantFrom("wait", "wait", "end", "destroy"),
});

type Client = typeof client extends fc.Arbitrary<infer T> ? T : never;

async function play(port: number, { text, cuts, goodbye }: Client): Promise<string> {
  const { socket, ended } = await openRaw(port);
  const places = [...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
  let from = 0;
  for (const to of places) {
    socket.write(text.slice(from, to), "latin1");
    from = to;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (goodbye === "end") {
    socket.end();
  } else if (goodbye === "destroy") {
    socket.destroy();
  } else {
    // What is kept alive is ended by the client.
    setTimeout(() => socket.end(), 400);
  }
  return ended;
}

describe("what is hardly HTTP", () => {
  let running: RunningFunction;

  beforeAll(async () => {
    running = await startFunction({ config: { uploadTimeout: 200, maxBodyBytes: 20_000 } });
  });

  afterAll(() => running.stop());

  const runs = fuzzRuns({ short: 8, full: 500 });

  it(`is answered or closed, ${runs.numRuns * AT_ONCE} connections of it, and never with the function's own failure`, async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(client, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (clients) => {
        for (const text of await Promise.all(clients.map((each) => play(running.port, each)))) {
          for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
            seen.add(status!);
            expect([
              "100",
              "200",
              "400",
              "404",
              "405",
              "406",
              "408",
              "413",
              "415",
              "417",
              "422",
              "429",
              "431",
              "504",
            ]).toContain(status);
          }
        }
      }),
      runs,
    );
    expect(seen.size).toBeGreaterThan(5);
    await vi.waitFor(() => expect(running.application.inflight).toBe(0), { timeout: 5000 });
    const answer = await fetch(running.url, { method: "POST", body: planes(3) });
    expect(await answer.json()).toMatchObject({ label: labelFor(3) });
  });
});
