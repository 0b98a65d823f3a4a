import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { Application } from "../../src/application.ts";
import { readConfig } from "../../src/config.ts";
import { createDecoder, type PictureDecoder } from "../../src/decoding/decoder.ts";
import { GarbageMeter } from "../../src/garbage.ts";
import { SILENT } from "../../src/log.ts";
import { FunctionServer } from "../../src/server.ts";
import { bundleDecodeThread, type DecodeScript } from "../support/decode-thread.ts";
import { fakeClassifier } from "../support/function.ts";
import { hostilePicture, summary } from "../support/hostile-pictures.ts";

/** What a picture has cost, the dearest so far. */
interface Worst {
  value: number;
  file: string;
}

function worse(worst: Worst, value: number, body: Uint8Array): void {
  if (value > worst.value) {
    worst.value = value;
    worst.file = summary(body);
  }
}

const STATUS = "/proc/self/status";
const isLinux = existsSync(STATUS);

/** The most memory that was resident since it was last asked for, in MB; 0 where the system does not tell. */
function peakMemory(): number {
  if (!isLinux) {
    return 0;
  }
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(STATUS, "utf8"))?.[1]) / 1024;
  writeFileSync("/proc/self/clear_refs", "5");
  return peak;
}

describe("PNG and JPEG files made to cost as much as can be", () => {
  const slowest: Worst = { value: 0, file: "" };
  const largest: Worst = { value: 0, file: "" };
  const statuses = new Map<number, number>();
  let script: DecodeScript;
  let decoder: PictureDecoder;
  let server: FunctionServer;
  let url: string;

  beforeAll(async () => {
    script = await bundleDecodeThread();
    const config = readConfig({});
    decoder = createDecoder({
      config,
      logger: SILENT,
      garbage: new GarbageMeter(undefined),
      open: (data) => script.open(data),
    });
    const application = new Application({
      config,
      logger: SILENT,
      decode: decoder.decode,
      closeDecoder: () => decoder.close(),
    });
    application.use(fakeClassifier());
    server = new FunctionServer(application);
    url = `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}`;
  });

  afterAll(async () => {
    await server.stop(0);
    script.remove();
    // For whoever runs all of them: no test may depend on how fast a machine is.
    if (process.env["FUZZ"] === "full") {
      console.log(`answers: ${JSON.stringify([...statuses])}`);
      console.log(`longest delay of the event loop: ${slowest.value.toFixed(0)} ms (${slowest.file})`);
      console.log(`most memory beyond what was there before: ${largest.value.toFixed(0)} MB (${largest.file})`);
    }
  });

  it("are decoded, or refused with the reason", async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 });
    await fc.assert(
      fc.asyncProperty(hostilePicture, async (body) => {
        const before = isLinux ? process.memoryUsage.rss() / 2 ** 20 : 0;
        peakMemory();
        delay.reset();
        delay.enable();
        const response = await fetch(url, { method: "POST", body: new Uint8Array(body) });
        const answer = await response.json();
        delay.disable();
        worse(slowest, delay.max / 1e6, body);
        worse(largest, peakMemory() - before, body);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        expect([200, 413, 422]).toContain(response.status);
        if (response.status !== 200) {
          expect(answer.detail).toMatch(/^(PNG|JPEG|The body|Record)[^\n]+\.$/);
          expect(answer.detail).not.toMatch(/undefined|not a function|Cannot read/);
        }
      }),
      fuzzRuns({ short: 150, full: 20_000 }),
    );
    // They were what they were meant to be: some right, some too costly, some wrong.
    expect([...statuses.keys()].sort()).toEqual([200, 413, 422]);
  });
});
