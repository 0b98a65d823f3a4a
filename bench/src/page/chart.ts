import { parse, resetSVGDefIds, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { ChartOptions } from "../suite.js";
import type { Bar } from "./bars.js";

/**
 * Legible on white and on black alike, as a page shows one picture to readers of both: text in the grey whose contrast with
 * both is over 4, bars in colours with a contrast over 3.
 */
export const INK = "#767676";
export const FILLS = ["#3d7fc4", "#c0651a", "#2f8f5b", "#a05fb4"] as const;

/** A chart of horizontal bars as SVG: a panel for each case, a group for each label, a colour for each Node. */
export async function drawBars(chart: ChartOptions, bars: readonly Bar[]): Promise<string> {
  const { spec } = compile(barsSpec(chart, bars));
  resetSVGDefIds();
  const view = new View(parse(spec), { renderer: "none" });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

/** The chart in Vega-Lite's language. */
function barsSpec({ axis, scale, reference }: ChartOptions, bars: readonly Bar[]): TopLevelSpec {
  const values = bars.map(({ value }) => value);
  const log = scale === "log";
  const low = log ? Math.min(reference, ...values) / 1.2 : 0;
  const high = Math.max(reference, ...values) * (log ? 2.2 : 1.12);
  const x = {
    field: "value",
    type: "quantitative" as const,
    title: null,
    scale: { type: scale, domain: [low, high], nice: false },
    axis: { grid: false, format: "~r", tickCount: 8, ...(log && { values: logTicks(low, high) }) },
  };
  const y = { field: "label", type: "nominal", sort: null, title: null } as const;
  const yOffset = { field: "node", type: "nominal", sort: null } as const;
  const nodes = [...new Set(bars.map(({ node }) => node))];
  const color = {
    field: "node",
    type: "nominal",
    title: null,
    scale: { domain: nodes, range: FILLS.slice(0, nodes.length) },
    legend: { orient: "top" },
  } as const;
  const panel = (title: string) => ({
    // Over the plot itself: names of rows are of different lengths from panel to panel.
    title: { text: title, frame: "group" as const },
    // Where a value lies left of the reference, its figure stands right of the bar all the same.
    data: {
      values: bars
        .filter((bar) => bar.case === title)
        .map((bar) => ({ ...bar, end: log ? Math.max(bar.value, reference) : bar.value })),
    },
    width: 460,
    height: { step: 13, for: "offset" as const },
    layer: [
      { mark: "bar" as const, encoding: { x, y, yOffset, color, ...(log && { x2: { datum: reference } }) } },
      { mark: "text" as const, encoding: { x: { ...x, field: "end" }, y, yOffset, text: { field: "text" } } },
      { mark: "rule" as const, encoding: { x: { datum: reference } } },
    ],
  });
  return {
    title: { text: axis, anchor: "start", color: INK, fontWeight: "normal" },
    background: "transparent",
    padding: 8,
    spacing: 14,
    vconcat: [...new Set(bars.map((bar) => bar.case))].map(panel),
    config: {
      font: "sans-serif",
      axis: { labelColor: INK, tickColor: INK, domainColor: INK, labelLimit: 240 },
      title: { color: INK, anchor: "start", fontSize: 12 },
      legend: { labelColor: INK },
      text: { color: INK, fontSize: 10, align: "left", baseline: "middle", dx: 4 },
      rule: { color: INK, strokeDash: [3, 3] },
      view: { stroke: null },
    },
  };
}

/** 1, 2, 5, 10, …; powers of ten alone over more than three of them. */
function logTicks(low: number, high: number): number[] {
  const steps = high / low > 1000 ? [1] : [1, 2, 5];
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => i + first);
  return powers
    .flatMap((power) => steps.map((step) => (power < 0 ? step / 10 ** -power : step * 10 ** power)))
    .filter((tick) => tick >= low && tick <= high);
}
