import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { describeMachine } from "./machine.js";
import { writePage } from "./page/write.js";
import { addRun } from "./results.js";
import { type Suite, toMarkdown } from "./suite.js";

interface Options {
  readonly suite?: string;
  readonly filter: string;
  readonly quick: boolean;
  readonly json?: string;
  readonly page: boolean;
}

/** What the command works with; tests give their own. */
export interface Surroundings {
  readonly suites: readonly Suite[];
  /** Folder of the results. */
  readonly results: string;
  /** Where `--json` starts from. */
  readonly directory: string;
  /** Folder of the page. */
  readonly docs: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Wrong use of the command. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The command `bench`. Every failure is one line on stderr.
 * @param words what follows the command's name
 * @returns the exit status: 0 done, 1 a suite failed, 2 wrong usage
 */
export async function main(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { suites, out, err } = surroundings;
  const say = (text: string) => err(`bench: ${text.trim().split("\n").join(" ")}\n`);
  const program = new Command("bench")
    .description("Measures the engine beside its peers, on this machine, in turn.")
    .option("--suite <name>", `one suite: ${namesOf(suites)} (default: all)`)
    .option("--filter <text>", "only cases whose name contains this text; not kept", "")
    .option("--quick", "a look: fewer and shorter rounds; not kept", false)
    .option("--json <file>", "write the results of one suite there instead of bench/results/<suite>.json")
    .option("--page", "measure nothing: write docs/benchmarks.md anew from bench/results", false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: (text) => say(text.replace(/^error: /, "")),
    });
  try {
    program.parse(words, { from: "user" });
    return await run(program.opts<Options>(), surroundings, say);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    say(messageOf(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(options: Options, surroundings: Surroundings, say: (text: string) => void): Promise<number> {
  const { suites, results, docs, err } = surroundings;
  if (options.page) {
    await writePage({ suites, results, docs });
    return 0;
  }
  const chosen = choose(options, suites);
  const machine = describeMachine();
  err(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGB} GB, Node ${machine.node}\n`);
  let failures = 0;
  for (const suite of chosen) {
    try {
      await runSuite(suite, options, surroundings);
    } catch (error) {
      failures++;
      say(`${suite.name}: ${messageOf(error)}`);
    }
  }
  if (isKept(options) && options.json === undefined) await writePage({ suites, results, docs });
  return failures === 0 ? 0 : 1;
}

function choose({ suite, json }: Options, suites: readonly Suite[]): readonly Suite[] {
  if (suite === undefined) {
    if (json !== undefined) throw new UsageError("--json takes the results of one suite: name it with --suite");
    return suites;
  }
  const chosen = suites.filter(({ name }) => name === suite);
  if (chosen.length === 0) throw new UsageError(`there is no suite "${suite}"; there are ${namesOf(suites)}`);
  return chosen;
}

/** A filtered or a quick run is a look, not a result to keep, unless a file is named for it. */
function isKept({ filter, quick, json }: Options): boolean {
  return json !== undefined || (filter === "" && !quick);
}

async function runSuite(suite: Suite, options: Options, { results, directory, out, err }: Surroundings): Promise<void> {
  const { filter, quick, json } = options;
  err(`\n${suite.name}: ${suite.summary}\n`);
  const tables = await suite.run({ filter, quick, progress: (line) => err(`${line}\n`) });
  if (tables.length === 0) throw new Error(`no case's name contains "${filter}"`);
  for (const table of tables) out(`\n${toMarkdown(table)}\n`);
  if (!isKept(options)) return;
  await mkdir(results, { recursive: true });
  const file = json === undefined ? join(results, `${suite.name}.json`) : resolve(directory, json);
  const command = `npm run bench -- --suite ${suite.name}${filter === "" ? "" : ` --filter "${filter}"`}${quick ? " --quick" : ""}`;
  await addRun(file, suite.name, { command, machine: describeMachine(), tables });
  err(`written to ${file}\n`);
}

function namesOf(suites: readonly Suite[]): string {
  return suites.map(({ name }) => name).join(", ");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
