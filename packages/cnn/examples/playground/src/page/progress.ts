import type { Report } from "../protocol.js";
import { Chart } from "./chart.js";
import { element, find, percent, whole } from "./dom.js";

/** Weight of the past in the running mean of the loss. */
const INERTIA = 0.9;

/** How many decimals tell a number from its neighbours: 2 for 0.05, 3 for 0.025. */
function decimalsOf(step: number): number {
  return String(step).split(".")[1]?.length ?? 0;
}

/** Numbers, curves and speeds of a run. */
export class Progress {
  readonly #lossChart = new Chart("loss-chart", {
    lines: [
      { label: "loss", colour: "--curve-faint", width: 1 },
      { label: "running mean", colour: "--curve", width: 2 },
    ],
    format: (value, step) => value.toFixed(Math.max(1, decimalsOf(step))),
  });
  readonly #accuracyChart = new Chart("accuracy-chart", {
    lines: [{ label: "accuracy", colour: "--curve-second", width: 2, dots: true }],
    range: [0, 1],
    format: (value) => `${Math.round(100 * value)} %`,
  });
  readonly #loss = find("loss", HTMLElement);
  readonly #accuracy = find("accuracy", HTMLElement);
  readonly #speed = find("speed", HTMLElement);
  readonly #step = find("step", HTMLElement);
  readonly #done = find("done", HTMLProgressElement);
  /** The last speed of each backend and number of threads that has trained. */
  readonly #speeds = new Map<string, { readonly cells: readonly string[]; speed: number }>();
  #mean = Number.NaN;
  #steps = 1;
  #using = "";

  /** A new run, other pictures or another model: nothing of the old curves holds any more. */
  clear(): void {
    this.#mean = Number.NaN;
    for (const place of [this.#loss, this.#accuracy, this.#speed, this.#step]) place.textContent = "–";
    this.#done.value = 0;
    this.#lossChart.clear(this.#steps);
    this.#accuracyChart.clear(this.#steps);
  }

  started({ step, steps, backend, threads }: Extract<Report, { type: "started" }>): void {
    this.#steps = steps;
    if (step === 0) this.clear();
    this.#using = `${backend}, ${threads}`;
    this.#speeds.set(this.#using, { cells: [backend, String(threads)], speed: Number.NaN });
  }

  stepped({ step, loss, speed }: Extract<Report, { type: "step" }>): void {
    this.#mean = Number.isNaN(this.#mean) ? loss : INERTIA * this.#mean + (1 - INERTIA) * loss;
    this.#lossChart.add(step, [loss, this.#mean]);
    this.#loss.textContent = this.#mean.toFixed(3);
    this.#speed.textContent = whole(speed);
    this.#step.textContent = `${whole(step)} of ${whole(this.#steps)}`;
    this.#done.value = step / this.#steps;
    const used = this.#speeds.get(this.#using);
    if (used !== undefined) used.speed = speed;
  }

  measured(step: number, accuracy: number): void {
    this.#accuracyChart.add(step, [accuracy]);
    this.showAccuracy(accuracy);
    // At this pace, not at every step: whoever listens should not be talked over.
    this.#lossChart.describe(`Loss ${this.#mean.toFixed(3)} at step ${step} of ${this.#steps}`);
    this.#accuracyChart.describe(`${percent(accuracy)} of test pictures named right at step ${step} of ${this.#steps}`);
    this.#showSpeeds();
  }

  showAccuracy(accuracy: number): void {
    this.#accuracy.textContent = percent(accuracy);
  }

  #showSpeeds(): void {
    const table = find("speeds", HTMLTableElement);
    table.hidden = false;
    table.tBodies[0]!.replaceChildren(
      ...[...this.#speeds.values()].map(({ cells, speed }) => {
        const row = element("tr");
        row.append(
          ...cells.map((text) => element("td", text)),
          element("td", Number.isNaN(speed) ? "–" : whole(speed)),
        );
        return row;
      }),
    );
  }
}
