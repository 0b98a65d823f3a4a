import type { LayerDescription } from "./layers.js";
import type { Sequential } from "./sequential.js";

/** The table of `Sequential.summary`. */
export function summarise(model: Pick<Sequential, "input" | "placed" | "parameterCount">): string {
  const rows: string[][] = [
    ["", "layer", "output", "parameters", "FLOPs"],
    ["", "input", model.input.join(" × "), "", ""],
  ];
  let flops = 0;
  for (const placed of model.placed) {
    let parameters = 0;
    for (const shape of Object.values(placed.parameters ?? {})) {
      parameters += shape.reduce((size, dimension) => size * dimension, 1);
    }
    flops += placed.flops;
    rows.push([
      String(placed.index),
      describe(placed.layer),
      placed.output.join(" × "),
      parameters === 0 ? "" : grouped(parameters),
      placed.flops === 0 ? "" : grouped(placed.flops),
    ]);
  }
  rows.push(["", "total", "", grouped(model.parameterCount), grouped(flops)]);
  const widths = rows[0]!.map((_, column) => rows.reduce((widest, row) => Math.max(widest, row[column]!.length), 0));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 1 || column === 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd(),
  );
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)));
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines.at(-1)].join("\n");
}

function describe(layer: LayerDescription): string {
  switch (layer.type) {
    case "conv2d":
      return `conv2d ${layer.kernel}×${layer.kernel}, stride ${layer.stride}, padding ${layer.padding}`;
    case "maxPool2d":
      return `maxPool2d ${layer.size}×${layer.size}, stride ${layer.stride}`;
    case "dropout":
      return `dropout ${layer.rate}`;
    case "relu":
    case "flatten":
    case "linear":
      return layer.type;
  }
}

/** 143018 → `143,018`, whatever the machine's locale. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
