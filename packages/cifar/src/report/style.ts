/** Colours of report and charts, light or dark as the reader's system is. */
const COLOURS = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b2330; --soft: #5b6677; --line: #dfe3ea;
  --series-1: #2563eb; --series-2: #d9630b; --good: #15803d; --bad: #c22f2f; --heat: 37, 99, 235;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --text: #e6eaf1; --soft: #98a3b5; --line: #2b3442;
    --series-1: #6ea8fe; --series-2: #f59e4b; --good: #4ade80; --bad: #f87171; --heat: 110, 168, 254;
  }
}`;

/** What charts are drawn with. */
const CHARTS = `
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg text.axis, svg text.key { font-size: 12px; }
.grid { stroke: var(--line); }
.diagonal { stroke: var(--soft); stroke-dasharray: 4 4; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve.faint { opacity: 0.28; stroke-width: 1; }
.curve.dashed { stroke-dasharray: 6 4; }
.curve.series-1 { stroke: var(--series-1); } .curve.series-2 { stroke: var(--series-2); }
.dot.series-1 { fill: var(--series-1); } .dot.series-2 { fill: var(--series-2); }
.column { fill: var(--series-1); opacity: 0.35; }
.share { fill: var(--soft); opacity: 0.6; }`;

/** A chart as a file of its own, with its colours and their background. */
export function svgFile(svg: string): string {
  const style = `<style>${COLOURS}${CHARTS}</style><rect width="100%" height="100%" fill="var(--card)"/>`;
  return `${svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replace(">", `>${style}`)}\n`;
}

/** The report's style sheet: readable on paper and on a phone too. */
export const STYLE = `${COLOURS}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 1.55rem; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.05rem; margin: 0 0 12px; }
p { margin: 4px 0 0; }
.card > p { margin: -6px 0 12px; }
.soft, .empty { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin-top: 18px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 18px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 44px; margin-top: 18px; }
.fact b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.fact span { color: var(--soft); font-size: 0.86rem; }
svg { width: 100%; height: auto; display: block; }
${CHARTS.trim()}
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.confusion { font-size: 0.8rem; }
.confusion td { width: 3.2em; height: 2.3em; text-align: center; border: 1px solid var(--card); border-radius: 4px; }
.confusion td.right { font-weight: 700; }
.confusion th { font-weight: 500; color: var(--soft); padding: 2px 6px; text-align: right; }
.confusion thead th { text-align: left; vertical-align: bottom; height: 7em; white-space: nowrap; padding: 0; }
.confusion thead th span { display: block; width: 3.2em; transform: rotate(-50deg); transform-origin: left bottom; position: relative; left: 1.8em; }
.bars { width: 100%; }
.bars th { font-weight: 500; text-align: right; padding: 3px 10px 3px 0; width: 1%; white-space: nowrap; }
.bars td.value { width: 1%; white-space: nowrap; text-align: right; padding-left: 10px; }
.bar { height: 14px; border-radius: 4px; background: var(--series-1); min-width: 2px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(94px, 1fr)); gap: 14px 10px; font-size: 0.8rem; line-height: 1.3; }
.pictures img { width: 100%; max-width: 128px; border-radius: 8px; image-rendering: pixelated; display: block; border: 3px solid transparent; }
.pictures .right img { border-color: var(--good); } .pictures .wrong img { border-color: var(--bad); }
.pictures .file { overflow-wrap: anywhere; }
.filters { display: flex; flex-wrap: wrap; gap: 6px; }
.filters img { width: 44px; height: 44px; image-rendering: pixelated; border-radius: 4px; }
.plain th { font-weight: 500; color: var(--soft); text-align: left; padding: 3px 22px 3px 0; vertical-align: top; white-space: nowrap; }
.plain td { padding: 3px 22px 3px 0; vertical-align: top; }
pre { margin: 0; overflow-x: auto; font: 12.5px/1.5 ui-monospace, monospace; }
@media print { .card { break-inside: avoid; } body { background: none; } }
`.trim();
