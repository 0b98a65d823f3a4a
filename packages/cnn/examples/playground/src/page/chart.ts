import uPlot from "uplot";
import { find } from "./dom.js";

interface Line {
  readonly label: string;
  /** Name of the custom property that holds its colour. */
  readonly colour: string;
  readonly width: number;
  /** Draws a dot at each value. */
  readonly dots?: boolean;
}

interface ChartOptions {
  readonly lines: readonly Line[];
  /** The vertical scale, where it does not follow the values. */
  readonly range?: readonly [number, number];
  /** What stands beside the vertical axis; `step` lies between two of its values. */
  readonly format: (value: number, step: number) => string;
}

/** Of a chart, in CSS pixels. */
const HEIGHT = 240;

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Lines over training steps, drawn by uPlot in the page's own colours. */
export class Chart {
  readonly #place: HTMLElement;
  readonly #options: ChartOptions;
  readonly #steps: number[] = [];
  readonly #values: (number | null)[][];
  #plot: uPlot;
  #last = 1;
  #due = false;

  constructor(id: string, options: ChartOptions) {
    this.#place = find(id, HTMLElement);
    this.#options = options;
    this.#values = options.lines.map(() => []);
    this.#plot = this.#draw();
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(this.#place);
    // A canvas does not follow the style sheet by itself.
    dark.addEventListener("change", () => {
      this.#plot.destroy();
      this.#plot = this.#draw();
    });
  }

  /** @param steps of the whole run: the horizontal scale */
  clear(steps: number): void {
    this.#last = steps;
    this.#steps.length = 0;
    for (const values of this.#values) values.length = 0;
    this.#update();
  }

  /** One value for each line. A step that is there already (after a resumption) is replaced, with all after it. */
  add(step: number, values: readonly number[]): void {
    while (this.#steps.length > 0 && this.#steps.at(-1)! >= step) {
      this.#steps.pop();
      for (const line of this.#values) line.pop();
    }
    this.#steps.push(step);
    for (const [index, line] of this.#values.entries()) line.push(values[index]!);
    this.#update();
  }

  describe(text: string): void {
    this.#place.setAttribute("aria-label", text);
  }

  /** Once a frame at most, however many steps it brings. */
  #update(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#plot.setData(this.#data());
    });
  }

  #data(): uPlot.AlignedData {
    return [this.#steps, ...this.#values];
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#place.clientWidth), height: HEIGHT };
  }

  #draw(): uPlot {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const { lines, range, format } = this.#options;
    const axis = {
      stroke: colour("--faint"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
    return new uPlot(
      {
        ...this.#size(),
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: () => [0, this.#last] },
          y: { range: range === undefined ? (_, __, most) => [0, Math.max(0.1, most * 1.05)] : [...range] },
        },
        axes: [
          { ...axis, grid: { show: false }, size: 28 },
          { ...axis, size: 48, values: (_, ticks, __, ___, step) => ticks.map((tick) => format(tick, step)) },
        ],
        series: [
          {},
          ...lines.map(
            (line): uPlot.Series => ({
              label: line.label,
              stroke: colour(line.colour),
              width: line.width,
              points: { show: line.dots ?? false, size: 6, fill: colour(line.colour) },
            }),
          ),
        ],
      },
      this.#data(),
      this.#place,
    );
  }
}
