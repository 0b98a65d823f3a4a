import type { Run } from "../../src/results.ts";
import type { Table } from "../../src/suite.ts";

/** A run as a suite leaves it, in a version of Node. */
export function runIn(node: string, tables: readonly Table[] = []): Run {
  return {
    command: "npm run bench -- --suite infer",
    machine: { cpu: "a processor", cores: 2, memoryGB: 8, system: "linux 6", node, date: "2026-01-31" },
    tables,
  };
}
