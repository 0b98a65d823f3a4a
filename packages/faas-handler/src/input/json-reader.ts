import {
  BACKSLASH,
  CAPITAL_E,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  endOfNumber,
  endOfSpace,
  endOfValue,
  isDigit,
  type JsonError,
  MINUS,
  misplaced,
  OPEN_ARRAY,
  OPEN_OBJECT,
  PLUS,
  POINT,
  QUOTE,
  SMALL_E,
  ZERO,
} from "./json-grammar.js";

const [LETTER_T, LETTER_F, LETTER_N] = [0x74, 0x66, 0x6e];

/** What a value begins like. */
export type JsonKind = "array" | "object" | "string" | "number" | "literal";

/**
 * Reads JSON (RFC 8259) value by value as its user asks for it, so that what is not asked for never becomes objects:
 * `JSON.parse` of 4 MB of brackets takes 200 MB and more. The bytes must be valid UTF-8.
 */
export class JsonReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** What comes next. */
  kind(): JsonKind {
    const byte = this.#peek();
    switch (byte) {
      case OPEN_ARRAY:
        return "array";
      case OPEN_OBJECT:
        return "object";
      case QUOTE:
        return "string";
      case LETTER_T:
      case LETTER_F:
      case LETTER_N:
        return "literal";
      default:
        if (byte === MINUS || isDigit(byte)) {
          return "number";
        }
        throw this.#error();
    }
  }

  /** The indices of the array that comes next; each element must be read before the next is asked for. */
  *elements(): Generator<number, void, undefined> {
    this.#take(OPEN_ARRAY);
    if (this.#peek() === CLOSE_ARRAY) {
      this.#at++;
      return;
    }
    for (let index = 0; ; index++) {
      yield index;
      if (!this.#more(CLOSE_ARRAY)) {
        return;
      }
    }
  }

  /** The names of the object that comes next; each one's value must be read before the next is asked for. */
  *members(): Generator<string, void, undefined> {
    this.#take(OPEN_OBJECT);
    if (this.#peek() === CLOSE_OBJECT) {
      this.#at++;
      return;
    }
    for (;;) {
      const name = this.string();
      this.#take(COLON);
      yield name;
      if (!this.#more(CLOSE_OBJECT)) {
        return;
      }
    }
  }

  string(): string {
    this.#take(QUOTE);
    const from = this.#at;
    let escaped = false;
    for (;;) {
      const byte = this.#bytes[this.#at++];
      if (byte === QUOTE) {
        break;
      }
      if (byte === undefined || byte < 0x20) {
        throw this.#error();
      }
      if (byte === BACKSLASH) {
        escaped = true;
        this.#at++;
      }
    }
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + from, this.#at - 1 - from).toString("utf8");
    return escaped ? this.#unescape(text) : text;
  }

  number(): number {
    this.#peek();
    const from = this.#at;
    let byte = this.#bytes[this.#at];
    // Whole numbers of a few digits are nearly all that comes.
    let value = 0;
    while (isDigit(byte) && this.#at - from < 9) {
      value = value * 10 + byte! - ZERO;
      byte = this.#bytes[++this.#at];
    }
    const digits = this.#at - from;
    if (digits > 0 && (digits === 1 || this.#bytes[from] !== ZERO) && !isNumberPart(byte)) {
      return value;
    }
    this.#at = endOfNumber(this.#bytes, from);
    return Number(Buffer.from(this.#bytes.subarray(from, this.#at)).toString("latin1"));
  }

  /** Passes over one value, whatever it is. */
  skip(): void {
    this.#at = endOfValue(this.#bytes, this.#at);
  }

  /** After the last value: nothing but space may follow. */
  end(): void {
    if (this.#peek() !== undefined) {
      throw this.#error();
    }
  }

  #unescape(text: string): string {
    try {
      return JSON.parse(`"${text}"`);
    } catch {
      throw this.#error();
    }
  }

  /** The next byte that is not space; undefined at the end. */
  #peek(): number | undefined {
    this.#at = endOfSpace(this.#bytes, this.#at);
    return this.#bytes[this.#at];
  }

  #take(byte: number): void {
    if (this.#peek() !== byte) {
      throw this.#error();
    }
    this.#at++;
  }

  /** Whether another element follows, or else the end. */
  #more(close: number): boolean {
    const byte = this.#peek();
    if (byte !== COMMA && byte !== close) {
      throw this.#error();
    }
    this.#at++;
    return byte === COMMA;
  }

  #error(): JsonError {
    return misplaced(this.#bytes, this.#at);
  }
}

/** Whether a number may go on with it. */
function isNumberPart(byte: number | undefined): boolean {
  return isDigit(byte) || byte === MINUS || byte === PLUS || byte === POINT || byte === SMALL_E || byte === CAPITAL_E;
}
