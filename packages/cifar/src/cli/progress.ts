import { Presets, SingleBar } from "cli-progress";
import type { DownloadProgress } from "../dataset/download.js";
import { percent } from "../report/report.js";
import type { RunEpoch, RunEvent, RunStart, RunStep } from "../training/events.js";
import { duration, megabytes } from "./format.js";
import type { Output } from "./output.js";

/** Milliseconds between plain lines about steps or bytes where there is no terminal to redraw. */
const PLAIN_LINE_EVERY = 10_000;

/** Shows how a download goes on: a bar on a terminal, now and then a line elsewhere. */
export class DownloadBar {
  readonly #output: Output;
  #bar: SingleBar | undefined;
  #lastLine = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  readonly update = ({ received, total }: DownloadProgress): void => {
    const size = total ?? received;
    if (this.#output.live) {
      if (this.#bar === undefined) {
        this.#bar = newBar(this.#output, "CIFAR-10 {bar} {percentage} %  {megabytes}  {left}");
        this.#bar.start(size, received, { megabytes: "", left: "" });
      }
      this.#bar.setTotal(size);
      const left = `${megabytes(received)} of ${megabytes(size)} MB`;
      this.#bar.update(received, { megabytes: left, left: "" });
      return;
    }
    if (performance.now() - this.#lastLine < PLAIN_LINE_EVERY && received < size) return;
    this.#lastLine = performance.now();
    this.#output.notice(`CIFAR-10: ${megabytes(received)} of ${megabytes(size)} MB`);
  };

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/** Shows how a run goes on: a bar for each epoch on a terminal, plain lines elsewhere. */
export class TrainingBar {
  readonly #output: Output;
  #bar: SingleBar | undefined;
  #start: RunStart | undefined;
  #lastLine = 0;
  /** Of the last epoch, for the bar. */
  #accuracy: number | undefined;
  #loss: number | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  show(event: RunEvent): void {
    if (event.type === "start") this.#started(event);
    if (event.type === "step") this.#stepped(event);
    if (event.type === "epoch") this.#finishedEpoch(event);
    if (event.type === "test") this.#output.notice(`testing on ${event.total} pictures`);
    if (event.type === "stop" || event.type === "end") this.close();
  }

  close(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #started(event: RunStart): void {
    this.#start = event;
    this.#lastLine = performance.now();
    const { data, recipe, seed, backend, threads } = event;
    const counts = `${data.train} training, ${data.validation} validation, ${data.test} test pictures`;
    this.#output.notice(`${data.name}: ${counts}; recipe ${recipe}, seed ${seed}`);
    this.#output.notice(`${backend}, ${threads} ${threads === 1 ? "thread" : "threads"}; ${event.folder}`);
    if (event.step > 0) this.#output.notice(`going on after step ${event.step} of ${event.steps}`);
  }

  #stepped(event: RunStep): void {
    const start = this.#start!;
    // A single batch says little: the curve in the report is drawn of all, the bar shows their moving average.
    this.#loss = this.#loss === undefined ? event.loss : 0.95 * this.#loss + 0.05 * event.loss;
    const secondsLeft = ((start.steps - event.step) * this.#pictureShare()) / event.imagesPerSecond;
    const shown = {
      epoch: event.epoch,
      epochs: Math.ceil(start.steps / start.stepsPerEpoch),
      loss: this.#loss.toFixed(3),
      accuracy: this.#accuracy === undefined ? "–" : percent(this.#accuracy, 1),
      speed: event.imagesPerSecond.toFixed(0),
      left: duration(secondsLeft),
    };
    const inEpoch = event.step - (event.epoch - 1) * start.stepsPerEpoch;
    if (this.#output.live) {
      if (this.#bar === undefined) {
        this.#bar = newBar(
          this.#output,
          "epoch {epoch}/{epochs} {bar} {percentage} %  loss {loss}  accuracy {accuracy}  {speed} pictures/s  {left} left",
        );
        this.#bar.start(start.stepsPerEpoch, inEpoch, shown);
      } else {
        this.#bar.update(inEpoch, shown);
      }
      return;
    }
    if (performance.now() - this.#lastLine < PLAIN_LINE_EVERY) return;
    this.#lastLine = performance.now();
    this.#output.notice(
      `epoch ${shown.epoch}/${shown.epochs}  step ${event.step}/${start.steps}  loss ${shown.loss}  ` +
        `${shown.speed} pictures/s  ${shown.left} left`,
    );
  }

  #finishedEpoch(event: RunEpoch): void {
    this.close();
    this.#accuracy = event.validationAccuracy;
    const validation =
      event.validationAccuracy === undefined
        ? ""
        : `  validation loss ${(event.validationLoss ?? Number.NaN).toFixed(4)}, accuracy ${percent(event.validationAccuracy)}`;
    this.#output.notice(
      `epoch ${event.epoch}  training loss ${event.trainLoss.toFixed(4)}${validation}  ` +
        `${event.imagesPerSecond.toFixed(0)} pictures/s, ${duration(event.seconds)}`,
    );
  }

  /** Pictures in a mean step. */
  #pictureShare(): number {
    return this.#start!.data.train / this.#start!.stepsPerEpoch;
  }
}

function newBar(output: Output, format: string): SingleBar {
  return new SingleBar(
    {
      format,
      stream: output.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 24,
      stopOnComplete: false,
      fps: 8,
    },
    Presets.shades_classic,
  );
}
