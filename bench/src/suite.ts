/** A table that a suite ends with. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** What a reader must know to read the table rightly. */
  readonly notes: readonly string[];
}

/** What every suite gets. */
export interface SuiteContext {
  /** Only cases whose name contains this text. */
  readonly filter: string;
  /** A look: fewer and shorter rounds than a result to keep needs. */
  readonly quick: boolean;
  /** Tells how far the suite is, on stderr. */
  readonly progress: (line: string) => void;
}

/** Which figures of a suite are drawn, and lead on its page. */
export interface ChartOptions {
  /** The column with the figures; tables without it are not drawn. */
  readonly column: string;
  /** What the figures say, for the axis. */
  readonly axis: string;
  /** Ratios are drawn on a logarithmic scale, as bars to either side of the reference. */
  readonly scale: "linear" | "log";
  /** Where a line stands to compare with: 1 for ratios. */
  readonly reference: number;
}

/** A benchmark suite: a file in suites/. */
export interface Suite {
  readonly name: string;
  readonly summary: string;
  readonly chart?: ChartOptions;
  /** What is wrong with comparisons of it until they are measured anew: said before its figures. */
  readonly caveats?: readonly string[];
  readonly run: (context: SuiteContext) => Promise<readonly Table[]>;
}

/** Rows under a line of columns, as a Markdown table: the first column to the left, figures to the right. */
export function toGrid({ columns, rows }: Pick<Table, "columns" | "rows">): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** A table as Markdown, under a heading of level three. */
export function toMarkdown(table: Table): string {
  return [`### ${table.title}`, "", toGrid(table), "", ...table.notes.map((note) => `- ${note}`)].join("\n").trimEnd();
}
