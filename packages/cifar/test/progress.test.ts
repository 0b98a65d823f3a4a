import { Writable } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { barLine } from "../src/cli/bar.js";
import { listenForInterrupt } from "../src/cli/interrupt.js";
import { Output, type OutputOptions } from "../src/cli/output.js";
import { DownloadBar, TrainingBar } from "../src/cli/progress.js";
import type { RunEvent } from "../src/training/events.js";
import { screenOf } from "./terminal.js";

/** A stream that keeps what is written to it and says of itself what a terminal of so many columns would. */
class FakeTerminal extends Writable {
  readonly isTTY = true;
  columns: number;
  written = "";

  constructor(columns: number) {
    super({ decodeStrings: false });
    this.columns = columns;
  }

  override _write(text: string | Buffer, _: BufferEncoding, done: () => void): void {
    this.written += text.toString();
    done();
  }
}

class Pipe extends FakeTerminal {
  override readonly isTTY = false as never;
}

function open(columns: number, options: OutputOptions = {}) {
  const [stdout, stderr] = [new Pipe(columns), new FakeTerminal(columns)];
  const output = new Output(options, { stdout, stderr });
  return { stdout, stderr, output, bar: new TrainingBar(output) };
}

const START: RunEvent = {
  ...{ type: "start", recipe: "paper", seed: 0, data: { name: "drawn", train: 640, validation: 0, test: 10 } },
  ...{ steps: 30, stepsPerEpoch: 10, step: 0, parameters: 1, backend: "wasm", threads: 2, folder: "runs/a" },
};
const step = (n: number): RunEvent => {
  const epoch = Math.floor((n - 1) / 10) + 1;
  return { type: "step", step: n, epoch, loss: 2.3, learningRate: 0.01, imagesPerSecond: 64 };
};
const EPOCH: RunEvent = {
  ...{ type: "epoch", epoch: 1, step: 10, trainLoss: 2, validationLoss: 2, validationAccuracy: 0.512 },
  ...{ imagesPerSecond: 64, seconds: 10 },
};

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("the bar of a run", () => {
  it.each([200, 80, 60, 40, 20, 8])("shows on a terminal of %i columns one line that fits into it", async (columns) => {
    const { stderr, bar } = open(columns);
    bar.show(START);
    const before = (await screenOf(stderr.written, columns)).length;
    for (let n = 1; n <= 5; n++) bar.show(step(n));
    const lines = await screenOf(stderr.written, columns);
    bar.close();
    expect(lines).toHaveLength(before + 1);
    expect(lines.at(-1)).toMatch(columns < 12 ? /^epoch/ : /^epoch 1\/3 .*\d %/);
    expect(lines.at(-1)!.length).toBeLessThan(columns);
  });

  it("shows the time left on a terminal of 80 columns, and less beside it on a narrower one", async () => {
    const lastLine = async (columns: number) => {
      const { stderr, bar } = open(columns);
      for (const event of [START, step(1), EPOCH, step(11), step(12)]) bar.show(event);
      const lines = await screenOf(stderr.written, columns);
      bar.close();
      return lines.at(-1);
    };
    // 18 more steps of 64 pictures, 64 a second; drawn when 19 were left.
    expect(await lastLine(120)).toMatch(
      /^epoch 2\/3 █+░+ 10 % {2}19 s left {2}loss 2\.300 {2}accuracy 51\.2 % {2}64 pict/,
    );
    expect(await lastLine(80)).toMatch(/^epoch 2\/3 █+░+ 10 % {2}19 s left {2}loss 2\.300 {2}accuracy 51\.2 %/);
    expect(await lastLine(70)).toMatch(/^epoch 2\/3 █+░+ 10 % {2}19 s left {2}loss 2\.300 {2}accuracy 51\.2 %$/);
    expect(await lastLine(45)).toMatch(/^epoch 2\/3 █+░+ 10 % {2}19 s left$/);
  });

  it("follows a terminal that becomes narrower", async () => {
    const { stderr, bar } = open(100);
    bar.show(START);
    bar.show(step(1));
    const wide = stderr.written.length;
    stderr.columns = 30;
    bar.show(EPOCH);
    bar.show(step(11));
    for (const line of await screenOf(stderr.written.slice(wide), 200)) {
      if (line.includes("2/3")) expect(line.length).toBeLessThan(30);
    }
    bar.close();
  });

  it("gives way to every other line and leaves nothing of itself behind", async () => {
    const { stderr, output, bar } = open(80);
    bar.show(START);
    bar.show(step(1));
    output.notice("left out: a picture");
    bar.show(step(2));
    output.error("an error");
    bar.show(step(3));
    bar.show(EPOCH);
    bar.show(step(11));
    bar.close();
    expect((await screenOf(stderr.written, 80)).slice(2)).toEqual(
      [
        "left out: a picture",
        "cifar: an error",
        "epoch 1  training loss 2.0000  validation loss 2.0000, accuracy 51.20 %  64 pictures/s, 10 s",
      ].flatMap((line) => line.match(/.{1,80}/g)!),
    );
  });

  it("does so on the last row too, where the terminal scrolls", async () => {
    const { stderr, output, bar } = open(80);
    for (let n = 0; n < 30; n++) output.notice(`line ${n}`);
    bar.show(START);
    bar.show(step(1));
    output.notice("stopping");
    bar.show(step(2));
    bar.close();
    expect((await screenOf(stderr.written, 80)).slice(-2)).toEqual([expect.stringMatching(/^wasm/), "stopping"]);
  });

  it("leaves the terminal's cursor and wrapping as they are, and knows no colours", () => {
    vi.stubEnv("FORCE_COLOR", "3");
    const { stderr, bar } = open(80);
    for (const event of [START, step(1), EPOCH, step(11)]) bar.show(event);
    bar.close();
    const [, ...sequences] = stderr.written.split("\x1b[");
    expect(sequences.length).toBeGreaterThan(0);
    for (const sequence of sequences) expect(sequence).not.toMatch(/^(\?|[\d;]*m)/);
  });

  it.each([
    ["a dumb terminal", {}, "dumb"],
    ["a quiet command", { quiet: true }, "xterm"],
  ])("is not drawn for %s", (_, options, term) => {
    vi.stubEnv("TERM", term);
    const { stderr, bar } = open(80, options);
    for (const event of [START, step(1), EPOCH, step(11)]) bar.show(event);
    bar.close();
    for (const drawn of ["\x1b", "\r", "█"]) expect(stderr.written).not.toContain(drawn);
  });

  it("is not drawn between events on the same terminal, but beside those that go elsewhere", () => {
    vi.stubEnv("TERM", "xterm");
    const [stdout, stderr] = [new FakeTerminal(80), new FakeTerminal(80)];
    expect(new Output({ json: true }, { stdout, stderr }).live).toBe(false);
    expect(new Output({}, { stdout, stderr }).live).toBe(true);
    expect(new Output({ json: true }, { stdout: new Pipe(80), stderr }).live).toBe(true);
    expect(new Output({}, { stdout, stderr: new Pipe(80) }).live).toBe(false);
  });
});

describe("Ctrl-C on a terminal", () => {
  it.each([80, 45, 30])("leaves nothing of the bar on one of %i columns", async (columns) => {
    const { stderr, output, bar } = open(columns);
    const interrupt = listenForInterrupt(output, "stopping");
    bar.show(START);
    const before = stderr.written.length;
    bar.show(step(1));
    stderr.write("^C");
    process.emit("SIGINT");
    interrupt.release();
    bar.show(step(2));
    bar.close();
    expect(await screenOf(stderr.written.slice(before), columns)).toEqual(["stopping (once more: at once)"]);
  });

  it("is answered on a line of its own, with a bar or without", async () => {
    vi.stubEnv("TERM", "xterm");
    const { stderr, output, bar } = open(80);
    const typeInterrupt = () => {
      stderr.write("^C"); // as the terminal shows it where the cursor is
      process.emit("SIGINT");
    };
    let interrupt = listenForInterrupt(output, "stopping after this step, with a checkpoint");
    bar.show(START);
    bar.show(step(1));
    typeInterrupt();
    interrupt.release();
    bar.show(step(2));
    bar.close();
    expect((await screenOf(stderr.written, 80)).slice(2)).toEqual([
      "stopping after this step, with a checkpoint (once more: at once)",
    ]);
    const before = stderr.written.length;
    interrupt = listenForInterrupt(output, "stopping");
    typeInterrupt();
    interrupt.release();
    expect(await screenOf(stderr.written.slice(before), 80)).toEqual(["^C", "stopping (once more: at once)"]);
  });
});

describe("the bar of a download", () => {
  it("fits into the terminal", async () => {
    const { stderr, output } = open(44);
    const bar = new DownloadBar(output);
    bar.update({ received: 1e6, total: 170e6 });
    bar.update({ received: 85e6, total: 170e6 });
    const lines = await screenOf(stderr.written, 44);
    bar.stop();
    expect(lines).toEqual([expect.stringMatching(/^CIFAR-10 █*░+ 0 % {2}1\.0 of 170\.0 MB$/)]);
    expect(await screenOf(stderr.written, 44)).toEqual([""]);
  });
});

describe("barLine", () => {
  it("is never longer than it may be", () => {
    for (let width = 0; width < 130; width++) {
      const parts = ["12 min 3 s left", "loss 2.300", "accuracy 51.2 %", "640 pictures/s"];
      for (const progress of [0, 0.37, 1]) {
        expect(barLine(width, progress, { head: "epoch 10/60", parts }).length).toBeLessThanOrEqual(width);
      }
    }
  });
});
