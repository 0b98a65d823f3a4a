import { describe, expect, it } from "vitest";
import { columns, duration, megabytes } from "../src/cli/format.js";
import { Output } from "../src/cli/output.js";
import { DownloadBar, TrainingBar } from "../src/cli/progress.js";
import { lineChart, smooth, thin } from "../src/report/chart.js";
import { escapeHtml, escapeMarkdown } from "../src/report/escape.js";
import { accuracyInterval, worstMistakes } from "../src/report/report.js";
import { type RunEvent, readLog } from "../src/training/events.js";

/** A terminal, or a pipe, that remembers what was written to it. */
function stream(isTTY: boolean) {
  let text = "";
  const write = (chunk: string) => {
    text += chunk;
    return true;
  };
  const nothing = () => true;
  // What cli-progress asks of a terminal.
  const terminal = { isTTY, columns: 200, write, cursorTo: nothing, clearLine: nothing, moveCursor: nothing };
  const stderr = terminal as unknown as NodeJS.WriteStream;
  return { streams: { stdout: stderr, stderr }, text: () => text };
}

const EVENTS: readonly RunEvent[] = [
  {
    type: "start",
    recipe: "paper",
    seed: 0,
    data: { name: "shapes train", train: 640, validation: 64, test: 64 },
    steps: 20,
    stepsPerEpoch: 10,
    step: 0,
    parameters: 143_018,
    backend: "wasm",
    threads: 2,
    folder: "runs/x",
  },
  { type: "step", step: 5, epoch: 1, loss: 2, learningRate: 0.01, imagesPerSecond: 64 },
  {
    type: "epoch",
    epoch: 1,
    step: 10,
    trainLoss: 1.5,
    validationLoss: 1.25,
    validationAccuracy: 0.5,
    imagesPerSecond: 64,
    seconds: 10,
  },
  { type: "step", step: 12, epoch: 2, loss: 1, learningRate: 0.01, imagesPerSecond: 64 },
];

describe("progress", () => {
  it("on a terminal is a bar with loss, accuracy, pictures a second and time left", () => {
    const { streams, text } = stream(true);
    const bar = new TrainingBar(new Output({}, streams));
    for (const event of EVENTS) bar.show(event);
    bar.close();
    expect(text()).toMatch(/epoch 1\/2 .*50 % {2}15 s left {2}loss 2\.000 {2}64 pictures\/s/);
    expect(text()).toMatch(/epoch 2\/2 .*20 % {2}8\.0 s left {2}loss 1\.950 {2}accuracy 50\.0 % {2}64 pictures\/s/);
  });

  it("elsewhere is plain lines", () => {
    const { streams, text } = stream(false);
    const bar = new TrainingBar(new Output({}, streams));
    for (const event of EVENTS) bar.show(event);
    expect(text().split("\n")).toEqual([
      "shapes train: 640 training, 64 validation, 64 test pictures; recipe paper, seed 0",
      "wasm, 2 threads; runs/x",
      "epoch 1  training loss 1.5000  validation loss 1.2500, accuracy 50.00 %  64 pictures/s, 10 s",
      "",
    ]);
  });

  it("is nothing when quiet", () => {
    const { streams, text } = stream(true);
    const output = new Output({ quiet: true }, streams);
    const bar = new TrainingBar(output);
    for (const event of EVENTS) bar.show(event);
    new DownloadBar(output).update({ received: 1, total: 2 });
    expect(text()).toBe("");
  });

  it("of a download is a bar in megabytes", () => {
    const { streams, text } = stream(true);
    const bar = new DownloadBar(new Output({}, streams));
    bar.update({ received: 85_000_000, total: 170_000_000 });
    bar.stop();
    expect(text()).toMatch(/CIFAR-10 .*50 % {2}85\.0 of 170\.0 MB/);
  });
});

describe("a log", () => {
  it("is read up to a step, without lines that were cut and without an end that will come again", () => {
    const text = [...EVENTS.map((event) => JSON.stringify(event)), '{"type":"step","st'].join("\n");
    expect(readLog(text, 10)).toEqual(EVENTS.slice(0, 3));
    expect(readLog('{"type":"end"}\n{"type":"test"}', 10)).toEqual([]);
  });
});

describe("figures", () => {
  it("the interval of an accuracy is Wilson's", () => {
    // Wilson's interval for 81 of 263: 0.2553 to 0.3662 (Newcombe, Statistics in Medicine 17, 1998, table I).
    const { low, high } = accuracyInterval(81, 263);
    expect(low).toBeCloseTo(0.2553, 4);
    expect(high).toBeCloseTo(0.3662, 4);
    // Where nothing was right the interval still has a width: 0 of 20 gives 0 to 0.1611 (same table).
    expect(accuracyInterval(0, 20).high).toBeCloseTo(0.1611, 4);
  });

  it("mistakes come by confidence, right answers not at all", () => {
    const answer = (picture: number, confidence: number, right: boolean) => ({
      ...{ picture, confidence, right, actual: "a", predicted: "b" },
    });
    const answers = [answer(0, 0.5, false), answer(1, 0.99, true), answer(2, 0.9, false), answer(3, 0.7, false)];
    expect(worstMistakes(answers, 2).map(({ picture }) => picture)).toEqual([2, 3]);
  });

  it("durations and sizes are in units for people", () => {
    expect([0.4, 59.4, 75, 7260, Number.POSITIVE_INFINITY].map(duration)).toEqual([
      ...["0.4 s", "59 s", "1 min 15 s", "2 h 1 min", "–"],
    ]);
    expect(megabytes(170_052_171)).toBe("170.1");
    expect(
      columns(
        [
          ["a", "1"],
          ["long", "100"],
        ],
        [1],
      ),
    ).toBe("a       1\nlong  100");
  });
});

describe("charts", () => {
  const curve = { name: "x < y", colour: 1 as const, points: [1, 2, 3].map((x) => ({ x, y: x * x })) };
  const chart = { title: 'a "title"', xLabel: "step", yLabel: "loss", yFormat: String, curves: [curve] };

  it("are drawn with every point inside and every word escaped", () => {
    const svg = lineChart(chart);
    const path = /class="curve[^"]*" d="M([^"]+)"/.exec(svg)?.[1];
    const points = path!.split("L").map((point) => point.split(",").map(Number));
    expect(points).toHaveLength(3);
    for (const [x, y] of points) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(560);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(320);
    }
    expect(svg).toContain("a &quot;title&quot;");
    expect(svg).toContain("x &lt; y");
  });

  it("without a value say so", () => {
    expect(lineChart({ ...chart, curves: [] })).toMatch(/No values/);
  });

  it("thin thousands of points to means of neighbours", () => {
    const points = Array.from({ length: 1000 }, (_, x) => ({ x, y: x % 2 }));
    expect(thin(points, 100)).toHaveLength(100);
    expect(thin(points, 100)[0]).toEqual({ x: 4.5, y: 0.5 });
    expect(
      smooth(
        [
          { x: 0, y: 1 },
          { x: 1, y: 4 },
        ],
        2,
      ).map(({ y }) => y),
    ).toEqual([1, 3]);
  });

  it("text from outside cannot become HTML or a table's cell", () => {
    expect(escapeHtml(`<b a="1" c='2'>&`)).toBe("&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
    expect(escapeMarkdown("a|b\n<c>")).toBe("a\\|b \\<c\\>");
  });
});
