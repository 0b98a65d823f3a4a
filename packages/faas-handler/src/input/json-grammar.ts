/*
 * JSON (RFC 8259) passed over: where each thing ends that begins at an offset. In loops and without an object for each
 * part, as a body may be nothing but brackets: 2 MB of empty arrays must not take half a second.
 */

/** Thrown where the bytes are not JSON. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code = "INVALID_JSON";
}

/** Deeper values are refused: each level costs memory, and no picture needs more than five. */
const MAX_DEPTH = 64;

export const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
export const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
export const [ZERO, MINUS, PLUS, POINT] = [0x30, 0x2d, 0x2b, 0x2e];
export const [SMALL_E, CAPITAL_E] = [0x65, 0x45];
const [NINE, SMALL_U] = [0x39, 0x75];

/** By their first letters. */
const WORDS = new Map(
  ["true", "false", "null"].map((word) => [word.charCodeAt(0) as number | undefined, Buffer.from(word)]),
);

/** What may follow a backslash, beside u with four digits. */
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));

/** What is said of a byte that is not allowed where it is, or of there being none. */
export function misplaced(bytes: Uint8Array, at: number): JsonError {
  return new JsonError(at >= bytes.length ? "it ends too early" : `byte ${at} does not belong there`);
}

/** The first offset from `at` on that holds no space. */
export function endOfSpace(bytes: Uint8Array, at: number): number {
  let end = at;
  for (;;) {
    const byte = bytes[end];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
      return end;
    }
    end++;
  }
}

/** Where a value of any kind ends; it may begin with space. */
export function endOfValue(bytes: Uint8Array, from: number): number {
  /** The brackets that close what is open. */
  const open: number[] = [];
  let at = from;
  for (;;) {
    if (open.length > MAX_DEPTH) {
      throw new JsonError(`values are nested more than ${MAX_DEPTH} levels deep`);
    }
    at = endOfSpace(bytes, at);
    const byte = bytes[at];
    if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      const close = byte === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT;
      at = endOfSpace(bytes, at + 1);
      if (bytes[at] !== close) {
        open.push(close!);
        at = endOfName(bytes, at, close);
        continue;
      }
      at++;
    } else {
      at = endOfScalar(bytes, at);
    }
    // A value has ended, and so may those that it is the last part of.
    for (let isLast = true; isLast; ) {
      const close = open.at(-1);
      if (close === undefined) {
        return at;
      }
      at = endOfSpace(bytes, at);
      isLast = bytes[at] === close;
      if (!isLast && bytes[at] !== COMMA) {
        throw misplaced(bytes, at);
      }
      at++;
      if (isLast) {
        open.pop();
      } else {
        at = endOfName(bytes, at, close);
      }
    }
  }
}

/** In an object, where the colon after the name of its next part is passed; in an array nothing is. */
function endOfName(bytes: Uint8Array, from: number, close: number | undefined): number {
  if (close === CLOSE_ARRAY) {
    return from;
  }
  const colon = endOfSpace(bytes, endOfString(bytes, endOfSpace(bytes, from)));
  if (bytes[colon] !== COLON) {
    throw misplaced(bytes, colon);
  }
  return colon + 1;
}

function endOfScalar(bytes: Uint8Array, from: number): number {
  const byte = bytes[from];
  if (byte === QUOTE) {
    return endOfString(bytes, from);
  }
  return byte === MINUS || isDigit(byte) ? endOfNumber(bytes, from) : endOfLiteral(bytes, from);
}

function endOfString(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== QUOTE) {
    throw misplaced(bytes, from);
  }
  for (let at = from + 1; ; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      return at + 1;
    }
    if (byte === undefined || byte < 0x20) {
      throw misplaced(bytes, at);
    }
    if (byte === BACKSLASH) {
      at = lastOfEscape(bytes, at + 1);
    }
  }
}

/** The offset of the last sign that belongs to a backslash before `from`. */
function lastOfEscape(bytes: Uint8Array, from: number): number {
  const sign = bytes[from];
  const last = sign === SMALL_U ? from + 4 : from;
  for (let at = from + 1; at <= last; at++) {
    if (!isHexDigit(bytes[at])) {
      throw misplaced(bytes, at);
    }
  }
  if (sign !== SMALL_U && (sign === undefined || !ESCAPES.has(sign))) {
    throw misplaced(bytes, from);
  }
  return last;
}

/** Where the number ends that begins at `from`. */
export function endOfNumber(bytes: Uint8Array, from: number): number {
  const whole = bytes[from] === MINUS ? from + 1 : from;
  let at = bytes[whole] === ZERO ? whole + 1 : endOfDigits(bytes, whole);
  if (bytes[at] === POINT) {
    at = endOfDigits(bytes, at + 1);
  }
  if (bytes[at] === SMALL_E || bytes[at] === CAPITAL_E) {
    const isSigned = bytes[at + 1] === PLUS || bytes[at + 1] === MINUS;
    at = endOfDigits(bytes, isSigned ? at + 2 : at + 1);
  }
  return at;
}

/** At least one. */
function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) {
    at++;
  }
  if (at === from) {
    throw misplaced(bytes, at);
  }
  return at;
}

function endOfLiteral(bytes: Uint8Array, from: number): number {
  const word = WORDS.get(bytes[from]);
  if (word === undefined) {
    throw misplaced(bytes, from);
  }
  for (let index = 0; index < word.length; index++) {
    if (bytes[from + index] !== word[index]) {
      throw misplaced(bytes, from + index);
    }
  }
  return from + word.length;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO! && byte <= NINE!;
}

function isHexDigit(byte: number | undefined): boolean {
  // Letters of either case differ by one bit.
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
