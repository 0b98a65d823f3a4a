import { printable } from "@cifar/cnn";
import { Command, CommanderError } from "commander";
import { VERSION } from "../version.js";
import { addClassifyCommand } from "./commands/classify.js";
import { addDataCommand } from "./commands/data.js";
import { addEvalCommand } from "./commands/eval.js";
import { addExplainCommand } from "./commands/explain.js";
import { addExportCommand } from "./commands/export.js";
import { addInfoCommand } from "./commands/info.js";
import { addServeCommand } from "./commands/serve.js";
import { addStartCommand } from "./commands/start.js";
import { addTrainCommand } from "./commands/train.js";
import { addExamples } from "./examples.js";
import { ExitCode, exitCodeOf, messageOf } from "./exit-codes.js";
import { watchStreams } from "./streams.js";

const EXIT_CODES = `
Exit status: 0 done; 1 failed; 2 wrong usage; 3 data, model or picture missing or broken; 4 cannot write;
5 training ran into NaN; 6 download failed; 130 stopped by Ctrl-C, SIGTERM or SIGHUP.`;

/** The command `cifar` with all its subcommands. */
export function createProgram(): Command {
  const program = new Command("cifar")
    .description("Trains and runs a convolutional network on CIFAR-10, without native code.")
    .version(VERSION)
    .helpCommand(true)
    .addHelpText("after", EXIT_CODES)
    .exitOverride()
    .configureOutput({
      // One line, suggestion included.
      outputError: (text, write) => write(`cifar: ${oneLine(text.replace(/^error: /, ""))}\n`),
    });
  addStartCommand(program);
  addDataCommand(program);
  addTrainCommand(program);
  addEvalCommand(program);
  addClassifyCommand(program);
  addExplainCommand(program);
  addExportCommand(program);
  addServeCommand(program);
  addInfoCommand(program);
  addExamples(program);
  return program;
}

/**
 * Runs the command line and sets the exit status. Every failure is one line on stderr.
 * @param words what follows the command's name
 */
export async function main(words: readonly string[]): Promise<void> {
  watchStreams();
  try {
    await createProgram().parseAsync(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
      return;
    }
    process.stderr.write(`cifar: ${messageOf(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

function oneLine(text: string): string {
  return printable(text.trim().replace(/\s*\n\s*/g, " "));
}
