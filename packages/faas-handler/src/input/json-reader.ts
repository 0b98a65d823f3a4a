/** Thrown where the bytes are not JSON. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code = "INVALID_JSON";
}

/** Deeper values are refused: each level costs memory, and no picture needs more than five. */
const MAX_DEPTH = 64;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const [ZERO, NINE, MINUS, LETTER_T, LETTER_F, LETTER_N] = [0x30, 0x39, 0x2d, 0x74, 0x66, 0x6e];

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

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
        if (byte === MINUS || (byte !== undefined && byte >= ZERO && byte <= NINE)) {
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
    while (byte !== undefined && byte >= ZERO && byte <= NINE && this.#at - from < 9) {
      value = value * 10 + byte - ZERO;
      byte = this.#bytes[++this.#at];
    }
    const digits = this.#at - from;
    if (digits > 0 && (digits === 1 || this.#bytes[from] !== ZERO) && !isNumberPart(byte)) {
      return value;
    }
    while (isNumberPart(this.#bytes[this.#at])) {
      this.#at++;
    }
    const text = Buffer.from(this.#bytes.subarray(from, this.#at)).toString("latin1");
    if (!NUMBER.test(text)) {
      throw this.#error();
    }
    return Number(text);
  }

  /** Passes over one value, whatever it is. */
  skip(depth = 0): void {
    if (depth > MAX_DEPTH) {
      throw new JsonError(`values are nested more than ${MAX_DEPTH} levels deep`);
    }
    switch (this.kind()) {
      case "array":
        for (const _ of this.elements()) {
          this.skip(depth + 1);
        }
        return;
      case "object":
        for (const _ of this.members()) {
          this.skip(depth + 1);
        }
        return;
      case "string":
        this.string();
        return;
      case "number":
        this.number();
        return;
      case "literal":
        this.#literal();
    }
  }

  /** After the last value: nothing but space may follow. */
  end(): void {
    if (this.#peek() !== undefined) {
      throw this.#error();
    }
  }

  #literal(): void {
    for (const word of ["true", "false", "null"]) {
      const end = this.#at + word.length;
      if (Buffer.from(this.#bytes.subarray(this.#at, end)).toString("latin1") === word) {
        this.#at = end;
        return;
      }
    }
    throw this.#error();
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
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        return byte;
      }
      this.#at++;
    }
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
    return new JsonError(
      this.#at >= this.#bytes.length ? "it ends too early" : `byte ${this.#at} does not belong there`,
    );
  }
}

function isNumberPart(byte: number | undefined): boolean {
  return (
    byte !== undefined &&
    ((byte >= ZERO && byte <= NINE) ||
      byte === MINUS ||
      byte === 0x2b ||
      byte === 0x2e ||
      byte === 0x65 ||
      byte === 0x45)
  );
}
