import { majorOf, type Run } from "../results.js";
import type { ChartOptions, Table } from "../suite.js";

/** A figure that leads a suite's section, as its table writes it. */
export interface Figure {
  /** The table's title. */
  readonly case: string;
  /** The row's name. */
  readonly label: string;
  /** As in `Node 20`. */
  readonly node: string;
  readonly text: string;
}

/** One bar of a chart: a figure as a number too. */
export interface Bar extends Figure {
  readonly value: number;
}

/**
 * What the chart's column says in every table that has it, in the order of runs, tables and rows; without cells that are
 * empty or compare a row with itself.
 */
export function figuresOf({ column }: ChartOptions, runs: readonly Run[]): readonly Figure[] {
  return runs.flatMap(({ machine, tables }) =>
    tables.flatMap(({ title, columns, rows }) => {
      const index = columns.indexOf(column);
      if (index < 0) return [];
      const node = `Node ${majorOf(machine.node)}`;
      const figures = rows.map((row) => ({ case: title, label: String(row[0]), node, text: String(row[index]) }));
      return figures.filter(({ text }) => text !== "" && text !== "—");
    }),
  );
}

/** The figures that are numbers, and that a chart of this scale can show. */
export function barsOf({ scale }: ChartOptions, figures: readonly Figure[]): readonly Bar[] {
  return figures.flatMap((figure) => {
    const value = numberIn(figure.text);
    // 0 has no place on a logarithmic scale.
    return value === undefined || (scale === "log" && value <= 0) ? [] : [{ ...figure, value }];
  });
}

/** The number that a cell starts with, as in `2.06×`, `107 %`, `1,234`; undefined if there is none. */
export function numberIn(cell: string): number | undefined {
  const [digits] = /^-?\d[\d,]*(\.\d+)?/.exec(cell) ?? [];
  return digits === undefined ? undefined : Number(digits.replaceAll(",", ""));
}

/** Figures as a grid: a row for each label, a column for each case in each Node; empty where there is none. */
export function gridOf(figures: readonly Figure[]): Pick<Table, "columns" | "rows"> {
  const unique = (names: readonly string[]) => [...new Set(names)];
  const nodes = unique(figures.map(({ node }) => node));
  const heads = unique(figures.map((figure) => figure.case)).flatMap((name) => nodes.map((node) => ({ name, node })));
  const cell = (label: string, { name, node }: { name: string; node: string }) =>
    figures.find((figure) => figure.label === label && figure.case === name && figure.node === node)?.text ?? "";
  return {
    columns: ["", ...heads.map(({ name, node }) => `${name}, ${node}`)],
    rows: unique(figures.map(({ label }) => label)).map((label) => [label, ...heads.map((head) => cell(label, head))]),
  };
}
