import { CnnError } from "./errors.js";
import { type FileLimits, limitCheck } from "./limits.js";
import { quoted } from "./printable.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Goes over a JSON text before it is parsed: `JSON.parse` makes 55 bytes of every bracket, its depth is the stack's, and of
 * a name that comes twice it silently takes the last. Whether the text is JSON at all is left to the parser.
 * @param json `where`: for the message; `counted`: the limit for the number of values
 * @throws CnnError INVALID_FILE past a limit, or if an object has a name twice
 */
export function scanJson(json: {
  readonly where: string;
  readonly text: string;
  readonly limits: FileLimits;
  readonly counted: "values" | "headerValues";
}): void {
  const { where, text, limits, counted } = json;
  /** Names of the objects that are open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  const check = limitCheck(where, limits);
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        check("textLength", end - at - 1);
        const names = open.at(-1);
        if (names !== undefined && followedByColon(text, end)) addName(where, names, text.slice(at, end + 1));
        at = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_LIST:
        open.push(text.charCodeAt(at) === OPEN_OBJECT ? new Set() : undefined);
        check("depth", open.length);
        check(counted, ++values);
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        open.pop();
        break;
      case COMMA:
        check(counted, ++values);
        break;
    }
  }
}

/** Where the string that begins here ends: at its quote, or where the text is cut. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

function followedByColon(text: string, end: number): boolean {
  let at = end + 1;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === COLON;
}

function addName(where: string, names: Set<string>, literal: string): void {
  let name: string;
  try {
    name = String(JSON.parse(literal));
  } catch {
    return; // the parser will refuse it, and say so
  }
  if (names.has(name)) throw new CnnError("INVALID_FILE", `${where} names ${quoted(name)} twice`);
  names.add(name);
}
