import type { BackendName } from "@cifar/tensor";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CifarError } from "../errors.js";
import type { OutputOptions } from "./output.js";

/** Flags of all commands that compute. */
export interface ComputeFlags {
  readonly backend?: BackendName;
  readonly threads?: number;
}

/** Flags of all commands that read a model. */
export interface ModelFlags extends ComputeFlags, OutputOptions {
  readonly model?: string;
}

/** Adds `--json` and `--quiet`. */
export function withOutputOptions(command: Command): Command {
  return command
    .option("--json", "JSON on stdout, everything else on stderr")
    .option("-q, --quiet", "results and errors alone");
}

/** Adds `--backend`. */
export function withBackendOption(command: Command): Command {
  return command.addOption(
    new Option("--backend <name>", "what computes; default: the fastest that runs here").choices([
      "wasm",
      "reference",
      "gpu",
    ]),
  );
}

/** Adds `--backend` and `--threads`. */
export function withComputeOptions(command: Command): Command {
  return withBackendOption(command).option("--threads <n>", "default: as many as this process may use", wholeNumber(1));
}

/** Adds `--model`. */
export function withModelOption(command: Command): Command {
  return command.option(
    "-m, --model <file>",
    "model file or folder of a run; default: the weights that come with the package",
  );
}

/**
 * What was written after an option, or without the option as people also type it.
 * @param option for the error, such as `--model`
 * @throws CifarError INVALID_ARGUMENT where the two differ
 */
export function eitherOf(option: string, named: string | undefined, bare: string | undefined): string | undefined {
  if (named === undefined || bare === undefined || named === bare) return named ?? bare;
  throw new CifarError("INVALID_ARGUMENT", `${bare} and ${option} ${named}: expected one of the two`);
}

/** Parser of the numbers that fit; the message names what was expected. */
function numberThat(fits: (value: number) => boolean, expected: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && fits(value)) return value;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
}

/** Parser of whole numbers from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return numberThat((value) => Number.isSafeInteger(value) && value >= least, `a whole number of at least ${least}`);
}

/** Parser of numbers above 0. */
export const positiveNumber = numberThat((value) => Number.isFinite(value) && value > 0, "a number above 0");

/** Parser of numbers from 0 to below 1. */
export const fraction = numberThat((value) => value >= 0 && value < 1, "a number from 0 to below 1");

/** The flags that `fit`, `evaluate` and predictors take over as they are. */
export function computeOptions(flags: ComputeFlags): ComputeFlags {
  return {
    ...(flags.backend !== undefined && { backend: flags.backend }),
    ...(flags.threads !== undefined && { threads: flags.threads }),
  };
}
