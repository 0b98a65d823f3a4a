import type { Stage, View } from "../protocol.js";
import { heat } from "./colours.js";
import { element, find, percent } from "./dom.js";
import { paintTiles } from "./tiles.js";

const filters = find("filters", HTMLCanvasElement);
const stages = find("stages", HTMLElement);
const bars = find("bars", HTMLElement);

/** Shows what the network is and sees now. */
export function showView(view: View): void {
  paintFilters(view.filters);
  if (stages.childElementCount !== view.stages.length) stages.replaceChildren(...view.stages.map(stageFigure));
  for (const [index, stage] of view.stages.entries()) {
    const canvas = stages.children[index]?.querySelector("canvas");
    if (canvas) paintStage(canvas, stage);
  }
  bars.replaceChildren(...view.answer.map(bar));
}

/** Pixels of the canvas that a weight takes each way, so that the gap between filters is thin beside it. */
const WEIGHT_SIDE = 3;

/** Each filter on its own scale: grey is 0, its largest weight is full or no light. */
function paintFilters({ kernel, count, values }: View["filters"]): void {
  if (count === 0) return;
  const scales = Float32Array.from({ length: count }, (_, filter) => {
    let largest = 1e-12;
    for (let at = filter; at < values.length; at += count) largest = Math.max(largest, Math.abs(values[at]!));
    return largest;
  });
  const side = kernel * WEIGHT_SIDE;
  paintTiles(filters, {
    count,
    columns: 8,
    height: side,
    width: side,
    paint: (filter, pixel, to) => {
      const row = Math.floor(pixel / side / WEIGHT_SIDE);
      const weight = row * kernel + Math.floor((pixel % side) / WEIGHT_SIDE);
      for (let channel = 0; channel < 3; channel++) {
        to[channel] = 127.5 + 127.5 * (values[(weight * 3 + channel) * count + filter]! / scales[filter]!);
      }
    },
  });
  filters.setAttribute("aria-label", `${count} filters of ${kernel} by ${kernel} pixels`);
}

/** Each map on its own scale, but hardly anything stays dark. */
function paintStage(canvas: HTMLCanvasElement, { height, width, channels, values }: Stage): void {
  const most = new Float32Array(channels);
  for (let at = 0; at < values.length; at++) most[at % channels] = Math.max(most[at % channels]!, values[at]!);
  const floor = Math.max(1e-12, 0.25 * Math.max(...most));
  paintTiles(canvas, {
    count: channels,
    columns: 16,
    height,
    width,
    paint: (map, pixel, to) => heat(values[pixel * channels + map]! / Math.max(most[map]!, floor), to),
  });
}

function stageFigure({ title, height, width, channels }: Stage): HTMLElement {
  const figure = element("figure");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${channels} maps of ${width} by ${height}`);
  const caption = element("figcaption", title);
  caption.append(element("span", `${channels} maps of ${width} × ${height}`, "hint"));
  figure.append(caption, canvas);
  return figure;
}

function bar({ label, probability }: View["answer"][number]): HTMLElement {
  const fill = element("div", "", "fill");
  fill.style.width = percent(probability).replace(" ", "");
  const track = element("div", "", "track");
  track.append(fill);
  const item = element("li");
  item.append(element("span", label), track, element("span", percent(probability), "percent"));
  return item;
}
