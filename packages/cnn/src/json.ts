import { CnnError } from "./errors.js";
import { scanJson } from "./json-scan.js";
import type { FileLimits } from "./limits.js";

/** Reads the fields of a JSON object that came in a file, and says which of them is not as it should be. */
export class Fields {
  readonly #where: string;
  readonly #values: ReadonlyMap<string, unknown>;

  /** @throws CnnError INVALID_FILE unless `value` is an object */
  constructor(where: string, value: unknown) {
    this.#where = where;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(where, "an object");
    // Through a map, since `constructor` or `__proto__` must not find what every object inherits.
    this.#values = new Map(Object.entries(value));
  }

  /** @throws CnnError INVALID_FILE if `text` is no JSON object, or past a limit */
  static parse(where: string, text: string | undefined, limits: FileLimits): Fields {
    return new Fields(where, parseJson(where, text, limits));
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw invalid(`${this.#where}.${name}`, "a number");
  }

  /** A whole number from `least` to `most`, by default as far as float64 has them all. */
  count(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#values.get(name);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw invalid(`${this.#where}.${name}`, `a whole number from ${least} to ${most}`);
  }

  boolean(name: string): boolean {
    const value = this.#values.get(name);
    if (typeof value === "boolean") return value;
    throw invalid(`${this.#where}.${name}`, "true or false");
  }

  string(name: string): string {
    const value = this.#values.get(name);
    if (typeof value === "string") return value;
    throw invalid(`${this.#where}.${name}`, "a string");
  }

  /** One of a few words. */
  word<W extends string>(name: string, words: readonly W[]): W {
    const word = words.find((known) => known === this.#values.get(name));
    if (word !== undefined) return word;
    throw invalid(`${this.#where}.${name}`, `one of ${words.join(", ")}`);
  }

  numbers(name: string): number[] {
    return this.list(name).map((value, index) => {
      if (typeof value === "number" && Number.isFinite(value)) return value;
      throw invalid(`${this.#where}.${name}[${index}]`, "a number");
    });
  }

  strings(name: string): string[] {
    return this.list(name).map((value, index) => {
      if (typeof value === "string") return value;
      throw invalid(`${this.#where}.${name}[${index}]`, "a string");
    });
  }

  list(name: string): readonly unknown[] {
    const value = this.#values.get(name);
    if (Array.isArray(value)) return value;
    throw invalid(`${this.#where}.${name}`, "a list");
  }

  fields(name: string): Fields {
    return new Fields(`${this.#where}.${name}`, this.#values.get(name));
  }
}

/** @throws CnnError INVALID_FILE if there is no text, it is past a limit or no JSON */
export function parseJson(where: string, text: string | undefined, limits: FileLimits): unknown {
  if (text === undefined) throw new CnnError("INVALID_FILE", `${where} is missing`);
  scanJson({ where, text, limits, counted: "values" });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CnnError("INVALID_FILE", `${where} is no JSON`, { cause });
  }
}

function invalid(where: string, expected: string): CnnError {
  return new CnnError("INVALID_FILE", `${where} must be ${expected}`);
}
