import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { escapeHtml } from "./escape.js";

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

interface Curve {
  readonly name: string;
  /** Which of the style sheet's colours: `series-1`, `series-2`, … */
  readonly colour: 1 | 2;
  readonly points: readonly Point[];
  /** Marks every point: for curves with few of them. */
  readonly marked?: boolean;
  /** Thin and pale: for raw values behind a smoothed curve. They do not widen the chart: what leaves it is drawn at its edge. */
  readonly faint?: boolean;
  /** For a value that is one for the whole run. */
  readonly dashed?: boolean;
}

export interface Chart {
  /** What is drawn, for those who do not see it. */
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly curves: readonly Curve[];
  readonly yFormat: (value: number) => string;
  /** Default: from the least to the largest value of the curves that are not faint. */
  readonly yDomain?: readonly [number, number];
}

const WIDTH = 560;
const HEIGHT = 320;
const MARGIN = { top: 34, right: 16, bottom: 44, left: 64 } as const;

/** Width of a letter of a legend, at most: what a browser makes of it is not known here. */
const LETTER = 6.4;

/** A line chart as an `<svg>` element; its colours come from the page's style sheet. */
export function lineChart(chart: Chart): string {
  const points = chart.curves.flatMap(({ points }) => points);
  if (points.length === 0) return `<p class="empty">No values for “${escapeHtml(chart.title)}”.</p>`;
  const x = scaleLinear(extent(points.map((point) => point.x)), [MARGIN.left, WIDTH - MARGIN.right]);
  const named = chart.curves.filter(({ faint, points }) => !faint && points.length > 0);
  const shown = named.length === 0 ? points : named.flatMap(({ points }) => points);
  const y = scaleLinear(chart.yDomain ?? extent(shown.map((point) => point.y)), [HEIGHT - MARGIN.bottom, MARGIN.top])
    .nice()
    .clamp(true);
  const path = line<Point>()
    .x((point) => x(point.x))
    .y((point) => y(point.y))
    .digits(1);
  const rows = y
    .ticks(5)
    .map(
      (tick) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>` +
        `<text class="tick" x="${MARGIN.left - 8}" y="${round(y(tick) + 4)}" text-anchor="end">${escapeHtml(chart.yFormat(tick))}</text>`,
    );
  const columns = x
    .ticks(6)
    .filter(Number.isInteger)
    .map(
      (tick) =>
        `<text class="tick" x="${round(x(tick))}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${tick}</text>`,
    );
  const curves = chart.curves.map((curve) => {
    const dots = curve.marked
      ? curve.points.map(
          ({ x: px, y: py }) =>
            `<circle class="dot series-${curve.colour}" cx="${round(x(px))}" cy="${round(y(py))}" r="3.5"/>`,
        )
      : [];
    const kind = `curve series-${curve.colour}${curve.faint ? " faint" : ""}${curve.dashed ? " dashed" : ""}`;
    return `<path class="${kind}" d="${path(curve.points) ?? ""}"/>${dots.join("")}`;
  });
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}">
${rows.join("\n")}
${columns.join("\n")}
<text class="axis" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(chart.xLabel)}</text>
<text class="axis" transform="translate(16 ${(MARGIN.top + HEIGHT - MARGIN.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(chart.yLabel)}</text>
${curves.join("\n")}
${legend(named, MARGIN.left)}
</svg>`;
}

/** Names beside marks of their colours, in a row above a chart. */
export function legend(entries: readonly Pick<Curve, "name" | "colour" | "dashed">[], left: number): string {
  let x = left;
  return entries
    .map(({ name, colour, dashed }) => {
      const mark = `<line class="curve series-${colour}${dashed ? " dashed" : ""}" x1="${round(x)}" x2="${round(x + 16)}" y1="14" y2="14"/>`;
      const text = `<text class="key" x="${round(x + 22)}" y="18">${escapeHtml(name)}</text>`;
      x += 22 + name.length * LETTER + 22;
      return mark + text;
    })
    .join("\n");
}

/** Means of neighbours, at most `most` of them: thousands of steps would make a heavy file and a black band. */
export function thin(points: readonly Point[], most: number): Point[] {
  const size = Math.max(1, Math.ceil(points.length / most));
  const means: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const group = points.slice(start, start + size);
    const mean = (value: (point: Point) => number) =>
      group.reduce((sum, point) => sum + value(point), 0) / group.length;
    means.push({ x: mean((point) => point.x), y: mean((point) => point.y) });
  }
  return means;
}

/** Moving average in which the last `window` points count most. */
export function smooth(points: readonly Point[], window: number): Point[] {
  const share = 2 / (Math.max(1, window) + 1);
  let average = points[0]?.y ?? 0;
  return points.map(({ x, y }) => {
    average += share * (y - average);
    return { x, y: average };
  });
}

/** Least and largest value, apart even where they are equal. */
function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
