import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describeMachine } from "./machine.js";
import { type Suite, toMarkdown } from "./suite.js";
import { suites } from "./suites/index.js";

const results = fileURLToPath(new URL("../results/", import.meta.url));

interface Options {
  readonly suite?: string;
  readonly filter: string;
  readonly json?: string;
}

const program = new Command("bench")
  .description("Measures the engine beside its peers, on this machine, in turn.")
  .option("--suite <name>", `one suite: ${suites.map(({ name }) => name).join(", ")} (default: all)`)
  .option("--filter <text>", "only cases whose name contains this text", "")
  .option("--json <file>", "write the results there instead of bench/results/<suite>.json")
  .showSuggestionAfterError()
  .action(main);

async function main({ suite, filter, json }: Options): Promise<void> {
  const chosen = suites.filter(({ name }) => suite === undefined || name === suite);
  if (chosen.length === 0) {
    program.error(`there is no suite "${suite}"; there are ${suites.map(({ name }) => name).join(", ")}`, {
      exitCode: 2,
    });
  }
  const machine = describeMachine();
  console.error(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, Node ${machine.node}`);
  for (const one of chosen) await runSuite(one, filter, json);
}

async function runSuite(suite: Suite, filter: string, json: string | undefined): Promise<void> {
  console.error(`\n${suite.name}: ${suite.summary}`);
  const tables = await suite.run({ filter, progress: (line) => console.error(line) });
  for (const table of tables) console.log(`\n${toMarkdown(table)}`);
  // A filtered run is a look, not a result to keep.
  if (json === undefined && filter !== "") return;
  await mkdir(results, { recursive: true });
  const file = json ?? `${results}${suite.name}.json`;
  const command = `npm run bench -- --suite ${suite.name}${filter === "" ? "" : ` --filter ${filter}`}`;
  await writeFile(
    file,
    `${JSON.stringify({ suite: suite.name, command, machine: describeMachine(), tables }, null, 2)}\n`,
  );
  console.error(`written to ${file}`);
}

await program.parseAsync().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
