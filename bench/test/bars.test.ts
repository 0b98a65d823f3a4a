import { describe, expect, test } from "vitest";
import { barsOf, figuresOf, gridOf, numberIn } from "../src/page/bars.js";
import type { ChartOptions, Table } from "../src/suite.js";
import { runIn } from "./support/runs.ts";

const ratios: ChartOptions = { column: "faster by", axis: "times", scale: "log", reference: 1 };

function tableOf(title: string, rows: Table["rows"]): Table {
  return { title, columns: ["", "pictures/s", "faster by"], rows, notes: [] };
}

test.each([
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

describe("figuresOf", () => {
  test("takes the named column of every table that has it, from every run", () => {
    const small = tableOf("batch 1", [["peer", 100, "2.00×"]]);
    const large = tableOf("batch 64", [["peer", 9, "3.00×"]]);
    const without = { title: "other", columns: ["", "ms"], rows: [["peer", 7]], notes: [] };
    const recent = tableOf("batch 1", [["peer", 50, "4.00×"]]);
    const runs = [runIn("v20.19.0", [small, large]), runIn("v24.1.0", [without, recent])];
    expect(figuresOf(ratios, runs)).toEqual([
      { case: "batch 1", label: "peer", node: "Node 20", text: "2.00×" },
      { case: "batch 64", label: "peer", node: "Node 20", text: "3.00×" },
      { case: "batch 1", label: "peer", node: "Node 24", text: "4.00×" },
    ]);
  });

  test("leaves out empty cells and rows compared with themselves, and keeps who was left out", () => {
    const rows = [
      ["ours", 100, "—"],
      ["none", 1, ""],
      ["peer", 2, "left out"],
    ];
    expect(figuresOf(ratios, [runIn("v20.19.0", [tableOf("a", rows)])]).map(({ label }) => label)).toEqual(["peer"]);
  });
});

test("barsOf draws numbers alone, and on a logarithmic scale those above 0", () => {
  const figures = ["0.50×", "left out", "0.00×"].map((text) => ({ case: "a", label: text, node: "Node 20", text }));
  expect(barsOf(ratios, figures)).toEqual([{ ...figures[0], value: 0.5 }]);
  expect(barsOf({ ...ratios, scale: "linear" }, figures).map(({ value }) => value)).toEqual([0.5, 0]);
});

test("gridOf has a row for each label and a column for each case in each Node, empty where nothing was measured", () => {
  const figure = (name: string, label: string, node: string, text: string) => ({ case: name, label, node, text });
  const figures = [
    figure("a", "x", "Node 20", "1"),
    figure("a", "y", "Node 20", "2"),
    figure("b", "x", "Node 24", "3"),
  ];
  expect(gridOf(figures)).toEqual({
    columns: ["", "a, Node 20", "a, Node 24", "b, Node 20", "b, Node 24"],
    rows: [
      ["x", "1", "", "", "3"],
      ["y", "2", "", "", ""],
    ],
  });
});
