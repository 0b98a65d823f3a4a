import type { Command } from "commander";
import { CifarError } from "../../errors.js";

/** What is used of the package of the OpenFaaS function, which builds upon this one and is therefore no dependency. */
interface ServePackage {
  /** @returns the exit status */
  serve(words: readonly string[]): Promise<number>;
}

const PACKAGE = "@cifar/faas-handler";

/** Hands everything over to the package of the function, its flags and its help included. */
export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the OpenFaaS function on this machine (cifar serve --help)")
    .argument("[words...]")
    .allowUnknownOption()
    .helpOption(false)
    .action(async (_words: readonly string[], _flags: unknown, command: Command) => {
      const { serve } = await loadPackage();
      process.exitCode = await serve(command.args);
    });
}

async function loadPackage(): Promise<ServePackage> {
  try {
    return await import(`${PACKAGE}/serve`);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new CifarError("NOT_FOUND", `serve needs ${PACKAGE}: install it beside @cifar/cifar`, { cause });
  }
}
