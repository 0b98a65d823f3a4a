/**
 * Characters that a terminal obeys instead of showing them (C0 and C1 controls, the escape among them), that break a line,
 * or that turn the direction of what follows (CVE-2021-42574).
 */
const COMMANDS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Text from outside as one line that any terminal shows and none obeys: `\u001b` for an escape. */
export function printable(text: string): string {
  return text.replace(COMMANDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The longest text from a file that a message repeats. */
const LONGEST = 80;

/** A name from a file as messages repeat it: printable, and cut where it is long. */
export function named(text: string): string {
  return printable(cut(text));
}

/** The same in quotes. */
export function quoted(text: string): string {
  return printable(JSON.stringify(cut(text)));
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** Any value that came in place of another, as messages repeat it. */
export function shown(value: unknown): string {
  return named(typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value));
}

/** Numbers from a file as messages repeat them: the first few. */
export function listed(values: readonly unknown[]): string {
  const first = values.slice(0, 8).map(shown);
  return `[${first.join(", ")}${values.length > first.length ? ", …" : ""}]`;
}
