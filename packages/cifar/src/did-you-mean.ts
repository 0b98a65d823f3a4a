import { closest, distance } from "fastest-levenshtein";

/** As commander has it for commands and options: fewer changes than would make any word out of any other. */
const MOST_CHANGES = 3;
const LEAST_ALIKE = 0.4;

/** ` (Did you mean paper?)` where one of the words is much like what was written, else nothing. */
export function didYouMean(written: string, words: readonly string[]): string {
  if (words.length === 0) return "";
  const word = closest(written, words);
  const changes = distance(written, word);
  const alike = 1 - changes / Math.max(written.length, word.length);
  return changes <= MOST_CHANGES && alike > LEAST_ALIKE ? ` (Did you mean ${word}?)` : "";
}
