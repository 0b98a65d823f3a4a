import { printable } from "@cifar/cnn";

/*
 * Class names, paths and what files say of themselves come from outside: an escape sequence in one of them could clear the
 * screen, retitle the window or write other lines over those that were there. None reaches a terminal.
 */

/** Text of several lines as a terminal may show it. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** JSON in one line, in which what {@link printable} replaces is escaped too: the value stays the same. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value));
}
