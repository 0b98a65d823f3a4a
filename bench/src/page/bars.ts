import { majorOf, type Run } from "../results.js";
import type { ChartOptions, Table } from "../suite.js";

/** One bar of a chart: a figure of a table as a number, and as the table writes it. */
export interface Bar {
  /** The table's title. */
  readonly case: string;
  /** The row's name. */
  readonly label: string;
  /** As in `Node 20`. */
  readonly node: string;
  readonly value: number;
  readonly text: string;
}

/** The bars of a suite's runs, in the order of runs, tables and rows. */
export function barsOf(chart: ChartOptions, runs: readonly Run[]): readonly Bar[] {
  return runs.flatMap(({ machine, tables }) =>
    tables.flatMap((table) => tableBars(chart, table, `Node ${majorOf(machine.node)}`)),
  );
}

function tableBars({ column, scale }: ChartOptions, { title, columns, rows }: Table, node: string): readonly Bar[] {
  const index = columns.indexOf(column);
  if (index < 0) return [];
  return rows.flatMap((row) => {
    const value = numberIn(row[index]!);
    // A row compared with itself has no figure, and 0 has no place on a logarithmic scale.
    if (value === undefined || (scale === "log" && value <= 0)) return [];
    return [{ case: title, label: String(row[0]), node, value, text: String(row[index]) }];
  });
}

/** The number that a cell starts with, as in `2.06×`, `107 %`, `1,234`; undefined if there is none. */
export function numberIn(cell: string | number): number | undefined {
  if (typeof cell === "number") return cell;
  const [digits] = /^-?\d[\d,]*(\.\d+)?/.exec(cell) ?? [];
  return digits === undefined ? undefined : Number(digits.replaceAll(",", ""));
}

/**
 * The same figures as a grid: a row for each label, a column for each case in each Node; empty where there is none.
 */
export function gridOf(bars: readonly Bar[]): Pick<Table, "columns" | "rows"> {
  const unique = (names: readonly string[]) => [...new Set(names)];
  const nodes = unique(bars.map(({ node }) => node));
  const heads = unique(bars.map((bar) => bar.case)).flatMap((name) => nodes.map((node) => ({ name, node })));
  const cell = (label: string, { name, node }: { name: string; node: string }) =>
    bars.find((bar) => bar.label === label && bar.case === name && bar.node === node)?.text ?? "";
  return {
    columns: ["", ...heads.map(({ name, node }) => `${name}, ${node}`)],
    rows: unique(bars.map(({ label }) => label)).map((label) => [label, ...heads.map((head) => cell(label, head))]),
  };
}
