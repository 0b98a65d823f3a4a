import { describe, expect, test } from "vitest";
import { barsOf, gridOf, numberIn } from "../src/page/bars.js";
import type { ChartOptions, Table } from "../src/suite.js";
import { runIn } from "./support/runs.ts";

const ratios: ChartOptions = { column: "faster by", axis: "times", scale: "log", reference: 1 };

function tableOf(title: string, rows: Table["rows"]): Table {
  return { title, columns: ["", "pictures/s", "faster by"], rows, notes: [] };
}

test.each([
  [5, 5],
  ["2.06×", 2.06],
  ["107 %", 107],
  ["1,234.5 kB", 1234.5],
  ["-3", -3],
  ["12.30 (11.90–13.00)", 12.3],
  ["—", undefined],
  ["", undefined],
  ["none", undefined],
])("numberIn(%j) is %j", (cell, value) => {
  expect(numberIn(cell)).toBe(value);
});

describe("barsOf", () => {
  test("takes the named column of every table that has it, from every run", () => {
    const old = runIn("v20.19.0", [
      tableOf("batch 1", [["peer", 100, "2.00×"]]),
      tableOf("batch 64", [["peer", 9, "3.00×"]]),
    ]);
    const without = { title: "other", columns: ["", "ms"], rows: [["peer", 7]], notes: [] };
    const recent = runIn("v24.1.0", [tableOf("batch 1", [["peer", 50, "4.00×"]]), without]);
    expect(barsOf(ratios, [old, recent])).toEqual([
      { case: "batch 1", label: "peer", node: "Node 20", value: 2, text: "2.00×" },
      { case: "batch 64", label: "peer", node: "Node 20", value: 3, text: "3.00×" },
      { case: "batch 1", label: "peer", node: "Node 24", value: 4, text: "4.00×" },
    ]);
  });

  test("leaves out rows without a figure, and on a logarithmic scale what it cannot show", () => {
    const runs = [
      runIn("v20.19.0", [
        tableOf("batch 1", [
          ["ours", 100, "—"],
          ["none", 1, "0.00×"],
          ["peer", 2, "0.50×"],
        ]),
      ]),
    ];
    expect(barsOf(ratios, runs).map(({ label }) => label)).toEqual(["peer"]);
    expect(barsOf({ ...ratios, scale: "linear" }, runs).map(({ label }) => label)).toEqual(["none", "peer"]);
  });
});

test("gridOf has a row for each label and a column for each case in each Node, empty where nothing was measured", () => {
  const bar = (name: string, label: string, node: string, text: string) => ({
    case: name,
    label,
    node,
    value: 1,
    text,
  });
  const bars = [bar("a", "x", "Node 20", "1"), bar("a", "y", "Node 20", "2"), bar("b", "x", "Node 24", "3")];
  expect(gridOf(bars)).toEqual({
    columns: ["", "a, Node 20", "a, Node 24", "b, Node 20", "b, Node 24"],
    rows: [
      ["x", "1", "", "", "3"],
      ["y", "2", "", "", ""],
    ],
  });
});
