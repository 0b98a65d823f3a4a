import { CnnError } from "./errors.js";
import { shown } from "./printable.js";

/*
 * Options with a closed set of values. TypeScript knows them; programs in JavaScript and settings out of files do not, and
 * what is not known must not quietly do what the default does.
 */

/** @throws CnnError INVALID_ARGUMENT naming the option, what it may be and what came */
export function checkWord<W extends string>(what: string, value: unknown, words: readonly W[]): asserts value is W {
  if (words.some((word) => word === value)) return;
  throw new CnnError("INVALID_ARGUMENT", `${what} must be ${words.join(" or ")}, not ${shown(value)}`);
}

/** @throws CnnError INVALID_ARGUMENT naming the option */
export function checkFlag(what: string, value: unknown): asserts value is boolean {
  if (typeof value === "boolean") return;
  throw new CnnError("INVALID_ARGUMENT", `${what} must be true or false, not ${shown(value)}`);
}
