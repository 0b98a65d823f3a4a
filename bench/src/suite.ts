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
  /** Tells how far the suite is, on stderr. */
  readonly progress: (line: string) => void;
}

/** A benchmark suite: a file in suites/. */
export interface Suite {
  readonly name: string;
  readonly summary: string;
  readonly run: (context: SuiteContext) => Promise<readonly Table[]>;
}

/** A table as Markdown. */
export function toMarkdown(table: Table): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    `### ${table.title}`,
    "",
    line(table.columns),
    line(table.columns.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...table.rows.map(line),
    "",
    ...table.notes.map((note) => `- ${note}`),
  ]
    .join("\n")
    .trimEnd();
}
