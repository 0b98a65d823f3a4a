import type { DownloadProgress } from "../dataset/download.js";
import { percent } from "../report/report.js";
import type { RunEpoch, RunEvent, RunStart, RunStep } from "../training/events.js";
import { Bar } from "./bar.js";
import { duration, megabytes } from "./format.js";
import type { Output } from "./output.js";

/** Milliseconds between plain lines about steps or bytes where there is no terminal to redraw. */
const PLAIN_LINE_EVERY = 10_000;

/** Shows how a download goes on: a bar on a terminal, now and then a line elsewhere. */
export class DownloadBar {
  readonly #output: Output;
  readonly #bar: Bar;
  #lastLine = 0;

  constructor(output: Output) {
    this.#output = output;
    this.#bar = new Bar(output);
  }

  readonly update = ({ received, total }: DownloadProgress): void => {
    const size = total ?? received;
    const done = `${megabytes(received)} of ${megabytes(size)} MB`;
    if (this.#output.live) {
      this.#bar.update({ value: received, total: size, head: "CIFAR-10", parts: [done] });
      return;
    }
    if (performance.now() - this.#lastLine < PLAIN_LINE_EVERY && received < size) return;
    this.#lastLine = performance.now();
    this.#output.notice(`CIFAR-10: ${done}`);
  };

  stop(): void {
    this.#bar.close();
  }
}

/** Shows how a run goes on: a bar for each epoch on a terminal, plain lines elsewhere. */
export class TrainingBar {
  readonly #output: Output;
  readonly #bar: Bar;
  #start: RunStart | undefined;
  #lastLine = 0;
  /** Of the last epoch, for the bar. */
  #accuracy: number | undefined;
  /** Moving averages: a single step says little. */
  #loss: number | undefined;
  #speed: number | undefined;

  constructor(output: Output) {
    this.#output = output;
    this.#bar = new Bar(output);
  }

  show(event: RunEvent): void {
    if (event.type === "start") this.#started(event);
    if (event.type === "step") this.#stepped(event);
    if (event.type === "epoch") this.#finishedEpoch(event);
    if (event.type === "test") this.#output.notice(`testing on ${event.total} pictures`);
    if (event.type === "stop" || event.type === "end") this.close();
  }

  close(): void {
    this.#bar.close();
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
    this.#loss = moved(this.#loss, event.loss);
    this.#speed = moved(this.#speed, event.imagesPerSecond);
    const epochs = Math.ceil(start.steps / start.stepsPerEpoch);
    const left = `${duration(((start.steps - event.step) * this.#pictureShare()) / this.#speed)} left`;
    const loss = `loss ${this.#loss.toFixed(3)}`;
    const speed = `${this.#speed.toFixed(0)} pictures/s`;
    if (this.#output.live) {
      const accuracy = this.#accuracy === undefined ? [] : [`accuracy ${percent(this.#accuracy, 1)}`];
      this.#bar.update({
        value: event.step - (event.epoch - 1) * start.stepsPerEpoch,
        total: start.stepsPerEpoch,
        head: `epoch ${event.epoch}/${epochs}`,
        parts: [left, loss, ...accuracy, speed],
      });
      return;
    }
    if (performance.now() - this.#lastLine < PLAIN_LINE_EVERY) return;
    this.#lastLine = performance.now();
    this.#output.notice(
      `epoch ${event.epoch}/${epochs}  step ${event.step}/${start.steps}  ${loss}  ${speed}  ${left}`,
    );
  }

  #finishedEpoch(event: RunEpoch): void {
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

function moved(mean: number | undefined, value: number): number {
  return mean === undefined ? value : 0.95 * mean + 0.05 * value;
}
