import type { Calibration, ReliabilityBin } from "@cifar/cnn";
import { scaleLinear } from "d3-scale";
import { legend } from "./chart.js";
import { percent } from "./report.js";

const WIDTH = 560;
const LEFT = 64;
const RIGHT = WIDTH - 24;
/** The diagram itself, and below it how many answers there are. */
const TOP = 34;
const BOTTOM = 276;
const SHARES_TOP = 288;
const SHARES_BOTTOM = 330;
const HEIGHT = 374;

/**
 * Reliability diagram as an `<svg>` element: how often answers of each confidence are right, with the model's temperature
 * (columns) and without (points). On the diagonal confidence is what it says. Below, the share of all answers.
 */
export function reliabilityChart({ before, after }: { before: Calibration; after: Calibration }): string {
  const x = scaleLinear([0, 1], [LEFT, RIGHT]);
  const y = scaleLinear([0, 1], [BOTTOM, TOP]);
  const most = Math.max(1, ...after.bins.map(({ count }) => count));
  const share = scaleLinear([0, most], [SHARES_BOTTOM, SHARES_TOP]);
  const rect = (kind: string, bin: ReliabilityBin, area: { top: number; bottom: number }) => {
    const left = x(bin.from) + 1;
    return (
      `<rect class="${kind}" x="${round(left)}" y="${round(area.top)}" width="${round(x(bin.to) - 1 - left)}" ` +
      `height="${round(area.bottom - area.top)}"/>`
    );
  };
  const seen = after.bins.filter(({ count }) => count > 0);
  const columns = seen.flatMap((bin) => [
    rect("column", bin, { top: y(bin.accuracy), bottom: BOTTOM }),
    rect("share", bin, { top: share(bin.count), bottom: SHARES_BOTTOM }),
  ]);
  const points = before.bins
    .filter(({ count }) => count > 0)
    .map(
      ({ confidence, accuracy }) =>
        `<circle class="dot series-2" cx="${round(x(confidence))}" cy="${round(y(accuracy))}" r="3.5"/>`,
    );
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) =>
      `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>` +
      `<text x="${LEFT - 8}" y="${round(y(tick) + 4)}" text-anchor="end">${percent(tick, 0)}</text>` +
      `<text x="${round(x(tick))}" y="${SHARES_BOTTOM + 16}" text-anchor="middle">${percent(tick, 0)}</text>`,
  );
  const entries = [
    { name: `temperature ${after.temperature.toFixed(3)}: error ${percent(after.error)}`, colour: 1 },
    { name: `temperature 1: error ${percent(before.error)}`, colour: 2 },
  ] as const;
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="How often answers of each confidence are right">
${grid.join("\n")}
${columns.join("\n")}
<line class="diagonal" x1="${LEFT}" y1="${BOTTOM}" x2="${RIGHT}" y2="${TOP}"/>
${points.join("\n")}
<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${SHARES_BOTTOM}" y2="${SHARES_BOTTOM}"/>
<text x="${LEFT - 8}" y="${(SHARES_TOP + SHARES_BOTTOM) / 2 + 4}" text-anchor="end">answers</text>
<text class="axis" x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">confidence</text>
<text class="axis" transform="translate(16 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">right</text>
${legend(entries, LEFT)}
</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
