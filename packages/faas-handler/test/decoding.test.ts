import { Worker } from "node:worker_threads";
import { checkPicture, decodePicture, toInput } from "@cifar/cifar";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { jpegFile, manyScans } from "../../cifar/test/jpegs.ts";
import type { PictureShape } from "../src/classifier.ts";
import { DecodeQueue } from "../src/decoding/decode-queue.ts";
import { createDecoder, type DecoderOptions, type PictureDecoder } from "../src/decoding/decoder.ts";
import { DecodeThread } from "../src/decoding/thread.ts";
import { GarbageMeter } from "../src/garbage.ts";
import { createLogger } from "../src/log.ts";
import { bundleDecodeThread, type DecodeScript, threadOf } from "./support/decode-thread.ts";
import { encodePng, noise } from "./support/png.ts";

const SHAPE: PictureShape = [32, 32, 3];
const STUCK = "for (;;);";

let script: DecodeScript;
const decoders: PictureDecoder[] = [];

beforeAll(async () => {
  script = await bundleDecodeThread();
});

afterAll(async () => {
  await Promise.all(decoders.map((decoder) => decoder.close()));
  script.remove();
});

interface Made {
  readonly decode: (file: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
  /** The threads that were started. */
  readonly threads: Worker[];
  readonly lines: Record<string, unknown>[];
  readonly decoder: PictureDecoder;
}

/** A decoder whose threads are the ones given, one after the other, then real ones. */
function make(options: Partial<DecoderOptions> = {}, ...first: readonly (() => Worker)[]): Made {
  const threads: Worker[] = [];
  const lines: Record<string, unknown>[] = [];
  const opens = [...first];
  const decoder = createDecoder({
    config: { maxPixels: 2 ** 20, execTimeout: 30_000 },
    garbage: new GarbageMeter(undefined),
    logger: createLogger("info", (line) => lines.push(JSON.parse(line))),
    open: (data) => {
      const thread = opens.shift()?.() ?? script.open(data);
      threads.push(thread);
      return thread;
    },
    ...options,
  });
  decoders.push(decoder);
  const decode = (file: Uint8Array, signal = new AbortController().signal) => decoder.decode(file, SHAPE, signal);
  return { decode, threads, lines, decoder };
}

function pngOf(side: number, seed = 1): Uint8Array<ArrayBuffer> {
  return encodePng({ width: side, height: side, pixels: noise(side, side, seed) });
}

const SMALL = pngOf(40);
const LARGE = pngOf(600);

/** Left of a picture is red, then come green and blue. */
function stripes(): Uint8Array<ArrayBuffer> {
  const pixels = Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255]);
  return encodePng({ width: 3, height: 3, pixels: Uint8Array.from([...pixels, ...pixels, ...pixels]) });
}

describe("a picture that costs little", () => {
  it("is decoded without a thread, one that costs more in a thread, and both come out alike", async () => {
    const { decode, threads } = make();
    expect(checkPicture(SMALL).cost.milliseconds).toBeLessThan(1);
    expect(checkPicture(LARGE).cost.milliseconds).toBeGreaterThan(5);
    expect(await decode(SMALL)).toEqual(toInput(decodePicture(SMALL), 32));
    expect(threads).toHaveLength(0);
    expect(await decode(LARGE)).toEqual(toInput(decodePicture(LARGE), 32));
    expect(await decode(LARGE)).toEqual(toInput(decodePicture(LARGE), 32));
    expect(threads).toHaveLength(1);
  });

  it("is told by the pixels of 128 × 128, whichever way they are packed", async () => {
    const { decode, threads } = make();
    await decode(pngOf(128));
    expect(threads).toHaveLength(0);
  });
});

describe("files made to stop a function", () => {
  const header = { width: 1024, height: 1024, components: [[1, 0x11, 0]] } as const;
  const selectors = new Array<readonly [number, number]>(255).fill([1, 0]);
  const scan = { selectors, start: 1, end: 255, bits: 0, data: [0] };

  it.each([
    ["20 bytes with sampling factors of 15", Buffer.from("ffd8ffc2000e080010ffff02011f00021c00ffd9", "hex")],
    ["12 kB of scans with 255 selectors", jpegFile({ marker: 0xc2, ...header, scans: new Array(24).fill(scan) })],
  ])("are refused before anything is decoded: %s", async (_, file) => {
    const { decode, threads } = make();
    await expect(decode(file)).rejects.toMatchObject({ code: "invalid-picture" });
    expect(threads).toHaveLength(0);
  });

  it("are refused where they are valid and would cost more than any honest picture", async () => {
    const { decode, threads } = make();
    const scans = manyScans({ side: 1024, components: 4, scans: 64, data: new Uint8Array(10_000) });
    await expect(decode(scans)).rejects.toMatchObject({ code: "picture-too-large", status: 413 });
    expect(threads).toHaveLength(0);
  });
});

describe("pictures in a thread", () => {
  it("are refused as they are elsewhere, and leave the body as it was", async () => {
    const { decode, threads } = make();
    const cut = LARGE.slice();
    cut.fill(0, 0xa00, 0xa10);
    await expect(decode(cut)).rejects.toMatchObject({ code: "invalid-picture", message: /checksum/ });
    const short = encodePng({ width: 600, height: 600, rows: new Uint8Array(1000) });
    await expect(decode(short)).rejects.toMatchObject({ code: "invalid-picture", message: /fewer pixels/ });
    expect(threads).toHaveLength(1);
    const copy = LARGE.slice();
    await decode(copy);
    expect(Buffer.from(copy).equals(LARGE)).toBe(true);
  });

  it("end it where nobody waits for them any more; the next one gets a new one", async () => {
    const { decode, threads } = make({}, () => threadOf(STUCK));
    const controller = new AbortController();
    const stuck = decode(LARGE, controller.signal);
    const next = decode(LARGE);
    await vi.waitFor(() => expect(threads).toHaveLength(1));
    controller.abort(new Error("gone"));
    await expect(stuck).rejects.toThrowError("gone");
    expect(await next).toEqual(toInput(decodePicture(LARGE), 32));
    expect(threads).toHaveLength(2);
  });

  it("that were waiting are forgotten with their requests, and cost no thread its life", async () => {
    const { decode, threads } = make();
    const controller = new AbortController();
    const first = decode(LARGE);
    const second = decode(LARGE, controller.signal);
    controller.abort(new Error("gone"));
    await expect(second).rejects.toThrowError("gone");
    await first;
    await decode(LARGE);
    expect(threads).toHaveLength(1);
  });

  it("that kill it are answered for, and the next one gets a new one", async () => {
    const { decode, threads } = make(
      {},
      () => threadOf("process.exit(7)"),
      () => threadOf("throw new Error('broken')"),
    );
    await expect(decode(LARGE)).rejects.toMatchObject({ code: "THREAD_DIED", message: /code 7/ });
    await expect(decode(LARGE)).rejects.toMatchObject({ code: "THREAD_DIED", message: /broken/ });
    expect(await decode(LARGE)).toEqual(toInput(decodePicture(LARGE), 32));
    expect(threads).toHaveLength(3);
  });

  it("that take more memory than a thread may have are refused as too large", async () => {
    const greedy = () =>
      threadOf("const all = []; for (;;) all.push(new Array(1000).fill(0.5));", { maxOldGenerationSizeMb: 8 });
    const { decode } = make({}, greedy);
    await expect(decode(LARGE)).rejects.toMatchObject({ code: "picture-too-large", message: /not enough memory/ });
    expect(await decode(LARGE)).toHaveLength(3072);
  });

  it("are turned away where too many wait already", async () => {
    const { decode } = make({ config: { maxPixels: 2 ** 20, execTimeout: 100 } }, () => threadOf(STUCK));
    const controller = new AbortController();
    const one = decode(LARGE, controller.signal);
    const cost = checkPicture(LARGE).cost.milliseconds;
    expect(2 * cost).toBeGreaterThan(100 / 4);
    await expect(decode(LARGE)).rejects.toMatchObject({ code: "too-many-requests", headers: { "retry-after": "1" } });
    controller.abort(new Error("gone"));
    await expect(one).rejects.toThrowError("gone");
    expect(await decode(LARGE)).toHaveLength(3072);
  });

  it("fail where the decoder is closed", async () => {
    const { decode, decoder } = make({}, () => threadOf(STUCK));
    const all = Promise.allSettled([decode(LARGE), decode(LARGE)]);
    await decoder.close();
    expect((await all).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

describe("the thread", () => {
  const task = { file: LARGE, side: 32, milliseconds: 10, signal: new AbortController().signal };
  const real = () => script.open({ maxPixels: 2 ** 20, collects: false });

  it("is ended at its deadline and started anew", async () => {
    const threads = [() => threadOf(STUCK), real];
    const queue = new DecodeQueue({
      open: () => new DecodeThread(threads.shift()!),
      maxWaiting: 1000,
      deadline: 2000,
    });
    await expect(queue.decode(task)).rejects.toMatchObject({ code: "out-of-time", message: /within 2000 ms/ });
    expect(await queue.decode(task)).toMatchObject({ kind: "pixels" });
    await queue.close();
  });

  it("is ended where there is nothing to do, and started anew", async () => {
    const ended: number[] = [];
    const open = () => {
      const worker = real();
      worker.once("exit", (code) => ended.push(code));
      return new DecodeThread(() => worker);
    };
    const queue = new DecodeQueue({ open, maxWaiting: 1000, keep: 1 });
    expect(await queue.decode(task)).toMatchObject({ kind: "pixels" });
    await vi.waitFor(() => expect(ended).toHaveLength(1), { timeout: 10_000 });
    expect(await queue.decode(task)).toMatchObject({ kind: "pixels" });
    await queue.close();
    expect(ended).toHaveLength(2);
  });
});

describe("where no thread can be started", () => {
  const refuse = (): never => {
    throw Object.assign(new Error("Access to this API has been restricted"), { code: "ERR_ACCESS_DENIED" });
  };
  const missing = () => new Worker(new URL("no-such-script.js", import.meta.url));

  it.each([
    ["because the system or Node refuses it", refuse],
    ["because its script is not there", missing],
  ])("%s, a picture that costs much is refused in one sentence, one that costs less is decoded", async (_, open) => {
    const { decode, lines } = make({ open });
    expect(checkPicture(LARGE).cost.milliseconds).toBeLessThan(25);
    expect(await decode(SMALL)).toHaveLength(3072);
    expect(lines).toEqual([]);
    await expect(decode(pngOf(1000))).rejects.toMatchObject({
      code: "picture-too-large",
      message:
        "The picture takes long to decode, and no thread can be started for it; resize it, to 256×256 for instance.",
    });
    expect(lines).toMatchObject([{ level: "warn", message: "no thread for large pictures" }]);
    expect(await decode(LARGE)).toEqual(toInput(decodePicture(LARGE), 32));
  });
});

describe("a network in grey", () => {
  it("is given the luminance of ITU-R BT.601", async () => {
    const { decoder } = make();
    const grey = await decoder.decode(stripes(), [3, 3, 1], new AbortController().signal);
    expect([...grey]).toEqual([76, 150, 29, 76, 150, 29, 76, 150, 29]);
  });
});

describe("max_pixels", () => {
  it("lets exactly so many through, and not one more", async () => {
    const { decode } = make({ config: { maxPixels: 1600, execTimeout: 30_000 } });
    expect(await decode(SMALL)).toHaveLength(3072);
    const oneMore = encodePng({ width: 1601, height: 1 });
    await expect(decode(oneMore)).rejects.toMatchObject({ code: "picture-too-large", message: /1601×1.*40×40/ });
  });
});
