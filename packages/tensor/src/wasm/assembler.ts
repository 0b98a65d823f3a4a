/**
 * A small assembler of WebAssembly's binary format (WebAssembly Core Specification, section 5). It knows instructions and
 * nothing of networks.
 * @module assembler
 */

import {
  type Instruction,
  MEMORY_OPCODES,
  type MemoryInstruction,
  OPCODES,
  VALUE_TYPES,
  type ValueType,
} from "./opcodes.js";

export type { Instruction, MemoryInstruction, ValueType };

/** A local variable or a parameter of a function. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** An array of `Length` elements, so that each can be given a name. */
type Tuple<Element, Length extends number, Result extends Element[] = []> = number extends Length
  ? Element[]
  : Result["length"] extends Length
    ? Result
    : Tuple<Element, Length, [...Result, Element]>;

/** A function being written: instructions are appended in order, as the stack machine runs them. */
export class FunctionBuilder<const Parameters extends readonly ValueType[] = readonly ValueType[]> {
  readonly parameters: { readonly [Index in keyof Parameters]: Local };
  readonly #locals: ValueType[] = [];
  readonly #code: number[] = [];

  constructor(parameters: Parameters) {
    this.parameters = parameters.map((type, index) => ({ index, type })) as unknown as typeof this.parameters;
  }

  /** A new local variable; it starts as zero. */
  local(type: ValueType): Local {
    this.#locals.push(type);
    return { index: this.parameters.length + this.#locals.length - 1, type };
  }

  /** Several new local variables of one type. */
  locals<Length extends number>(type: ValueType, count: Length): Tuple<Local, Length> {
    return Array.from({ length: count }, () => this.local(type)) as Tuple<Local, Length>;
  }

  /** Appends instructions without immediates. */
  op(...instructions: readonly Instruction[]): this {
    for (const instruction of instructions) {
      const [first, second] = OPCODES[instruction] as readonly [number, number?];
      this.#code.push(first);
      if (second !== undefined) appendUnsigned(this.#code, second);
    }
    return this;
  }

  /** Appends a load or a store at a constant byte offset from the address on the stack. */
  memory(instruction: MemoryInstruction, offset = 0): this {
    const [[first, second], alignment] = MEMORY_OPCODES[instruction] as readonly [readonly [number, number?], number];
    this.#code.push(first);
    if (second !== undefined) appendUnsigned(this.#code, second);
    // Alignment is but a hint: an address that does not keep to it works too.
    this.#code.push(alignment);
    appendUnsigned(this.#code, offset);
    return this;
  }

  get(local: Local): this {
    this.#code.push(0x20);
    appendUnsigned(this.#code, local.index);
    return this;
  }

  set(local: Local): this {
    this.#code.push(0x21);
    appendUnsigned(this.#code, local.index);
    return this;
  }

  tee(local: Local): this {
    this.#code.push(0x22);
    appendUnsigned(this.#code, local.index);
    return this;
  }

  i32(value: number): this {
    this.#code.push(0x41);
    appendSigned(this.#code, value | 0);
    return this;
  }

  f32(value: number): this {
    this.#code.push(0x43, ...bytesOf(new Float32Array([value])));
    return this;
  }

  /** v128.const of four equal float32 lanes. */
  f32x4(value: number): this {
    return this.#v128(bytesOf(new Float32Array(4).fill(value)));
  }

  /** v128.const of four int32 lanes. */
  i32x4(a: number, b = a, c = a, d = a): this {
    return this.#v128(bytesOf(Int32Array.of(a, b, c, d)));
  }

  /** i8x16.shuffle by 32-bit lanes: 0 to 3 are those of the first operand, 4 to 7 those of the second. */
  shuffle32(a: number, b: number, c: number, d: number): this {
    this.#code.push(0xfd, 0x0d);
    for (const lane of [a, b, c, d]) for (let byte = 0; byte < 4; byte++) this.#code.push(lane * 4 + byte);
    return this;
  }

  /** f32x4.extract_lane. */
  extractLane(lane: number): this {
    this.#code.push(0xfd, 0x1f, lane);
    return this;
  }

  /** v128.store32_lane of the vector on the stack at a constant byte offset from the address below it. */
  storeLane(lane: number, offset = 0): this {
    this.#code.push(0xfd, 0x5a, 2);
    appendUnsigned(this.#code, offset);
    this.#code.push(lane);
    return this;
  }

  /** memory.fill of (address, byte, length) on the stack. */
  memoryFill(): this {
    this.#code.push(0xfc, 0x0b, 0x00);
    return this;
  }

  /** memory.copy of (target, source, length) on the stack. */
  memoryCopy(): this {
    this.#code.push(0xfc, 0x0a, 0x00, 0x00);
    return this;
  }

  /** local ← local + constant. */
  increment(local: Local, by: number): this {
    return by === 0 ? this : this.get(local).i32(by).op("i32.add").set(local);
  }

  /** A loop; `branchIf(0)` inside starts it again. */
  loop(body: () => void): this {
    return this.#structured(0x03, body);
  }

  branchIf(depth: number): this {
    this.#code.push(0x0d);
    appendUnsigned(this.#code, depth);
    return this;
  }

  /** Runs the body `times` times (at least once), counting `counter` down from `times` to 1. Once needs no loop. */
  repeat(counter: Local, times: number, body: () => void): this {
    if (times === 1) {
      body();
      return this;
    }
    return this.i32(times)
      .set(counter)
      .loop(() => {
        body();
        this.get(counter).i32(-1).op("i32.add").tee(counter).branchIf(0);
      });
  }

  /** The function's body in binary form. */
  encode(): number[] {
    const locals: number[] = [];
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    appendUnsigned(locals, runs.length);
    for (const [count, type] of runs) {
      appendUnsigned(locals, count);
      locals.push(VALUE_TYPES[type]);
    }
    return locals.concat(this.#code, 0x0b);
  }

  #v128(bytes: Uint8Array): this {
    this.#code.push(0xfd, 0x0c, ...bytes);
    return this;
  }

  #structured(opcode: number, body: () => void): this {
    this.#code.push(opcode, 0x40);
    body();
    this.#code.push(0x0b);
    return this;
  }
}

/** How a module's memory is imported, as `env.memory`. */
export interface MemoryImport {
  readonly shared: boolean;
  /** Upper limit in pages of 64 KiB; that of the memory itself when shared. */
  readonly maximumPages: number;
}

/** The bytes of a module that imports one memory and exports functions without results by their names. */
export function encodeModule(
  functions: ReadonlyMap<string, FunctionBuilder>,
  memory: MemoryImport,
): Uint8Array<ArrayBuffer> {
  const builders = [...functions.values()];
  const types = builders.map((builder) => [
    0x60,
    ...vector(builder.parameters.map(({ type }) => [VALUE_TYPES[type]])),
    0,
  ]);
  const limits = memory.shared
    ? [0x03, ...unsigned(0), ...unsigned(memory.maximumPages)]
    : [0x01, ...unsigned(0), ...unsigned(memory.maximumPages)];
  const bodies = builders.map((builder) => {
    const body = builder.encode();
    return unsigned(body.length).concat(body);
  });
  const bytes = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, vector(types)),
    section(2, vector([[...name("env"), ...name("memory"), 0x02, ...limits]])),
    section(3, vector(builders.map((_, index) => unsigned(index)))),
    section(7, vector([...functions.keys()].map((key, index) => [...name(key), 0x00, ...unsigned(index)]))),
    section(10, vector(bodies)),
  ];
  return new Uint8Array(([] as number[]).concat(...bytes));
}

function section(id: number, content: number[]): number[] {
  return [id].concat(unsigned(content.length), content);
}

function vector(items: readonly number[][]): number[] {
  return unsigned(items.length).concat(...items);
}

function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...unsigned(bytes.length), ...bytes];
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer);
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  appendUnsigned(bytes, value);
  return bytes;
}

/** Unsigned LEB128. */
function appendUnsigned(target: number[], value: number): void {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    target.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  target.push(rest);
}

/** Signed LEB128. */
function appendSigned(target: number[], value: number): void {
  let rest = value;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
      target.push(byte);
      return;
    }
    target.push(byte | 0x80);
  }
}
