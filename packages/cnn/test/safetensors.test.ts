import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CnnError } from "../src/errors.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "../src/safetensors.js";

/** A file with this header, however wrong it is. */
function file(header: string, data: Uint8Array = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const tensor: fc.Arbitrary<SafetensorsTensor> = fc
  .array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 })
  .chain((shape) => {
    const size = shape.reduce((values, side) => values * side, 1);
    const bytes = (width: number) =>
      fc.uint8Array({ minLength: size * width, maxLength: size * width }).map((data) => data.slice().buffer);
    return fc.oneof(
      bytes(4).map((buffer) => ({ dtype: "F32" as const, shape, data: new Float32Array(buffer) })),
      bytes(4).map((buffer) => ({ dtype: "I32" as const, shape, data: new Int32Array(buffer) })),
      bytes(1).map((buffer) => ({ dtype: "U8" as const, shape, data: new Uint8Array(buffer) })),
      bytes(8).map((buffer) => ({ dtype: "I64" as const, shape, data: new BigInt64Array(buffer) })),
      fc
        .array(fc.integer({ min: -2048, max: 2048 }), { minLength: size, maxLength: size })
        .map((values) => ({ dtype: "F16" as const, shape, data: Float32Array.from(values, (value) => value / 8) })),
    );
  });
const tensors = fc.uniqueArray(
  fc.tuple(
    fc.string().filter((name) => name !== "__metadata__"),
    tensor,
  ),
  { selector: ([name]) => name, maxLength: 6 },
);

describe("safetensors", () => {
  it("reads a file that was put together by hand from the format's description", () => {
    const header =
      '{"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]}} ';
    const data = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0, 0x3e, 0, 0xc0);
    const { tensors: read, metadata } = decodeSafetensors(file(header, data));
    expect(read.get("a")).toEqual({ dtype: "I32", shape: [], data: Int32Array.of(-2) });
    expect(read.get("b")).toEqual({ dtype: "F16", shape: [2], data: Float32Array.of(1.5, -2) });
    expect(metadata).toEqual({});
  });

  it("gives back what it was given, whatever the names, and out of any place in a buffer", () => {
    const metadata = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(tensors, metadata, fc.integer({ min: 0, max: 7 }), (entries, extra, offset) => {
        const bytes = encodeSafetensors(new Map(entries), extra);
        const elsewhere = new Uint8Array(bytes.length + offset);
        elsewhere.set(bytes, offset);
        const decoded = decodeSafetensors(elsewhere.subarray(offset));
        expect(new Map(decoded.tensors)).toEqual(new Map(entries));
        expect(Object.entries(decoded.metadata).sort()).toEqual(Object.entries(extra).sort());
      }),
    );
  });

  it("copies values out of Node's Buffer, whose slice would share them", () => {
    const data = Uint8Array.of(1, 2);
    const bytes = Buffer.from(encodeSafetensors(new Map([["a", { dtype: "U8", shape: [2], data }]])));
    const { tensors: read } = decodeSafetensors(bytes);
    bytes.fill(0);
    expect(read.get("a")!.data).toEqual(data);
  });

  it("lays wide values at multiples of their width", () => {
    const bytes = encodeSafetensors(
      new Map<string, SafetensorsTensor>([
        ["narrow", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
        ["wide", { dtype: "F32", shape: [1], data: Float32Array.of(1) }],
      ]),
    );
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
    expect(start % 8).toBe(0);
    expect(header.wide.data_offsets[0] % 4).toBe(0);
  });

  it("does not write a tensor with more or fewer values than its shape, nor one of a reserved name", () => {
    const data = new Float32Array(3);
    expect(() => encodeSafetensors(new Map([["a", { dtype: "F32", shape: [2], data }]]))).toThrow(/has 3 values/);
    const reserved = new Map<string, SafetensorsTensor>([["__metadata__", { dtype: "F32", shape: [3], data }]]);
    expect(() => encodeSafetensors(reserved)).toThrow(/reserved/);
  });

  const four = '"dtype":"F32","shape":[1],"data_offsets":[0,4]';
  /** One tensor `a` of four bytes whose description is changed. */
  const altered = (from: string, to: string, bytes = 4) =>
    file(`{"a":{${four.replace(from, to)}}}`, new Uint8Array(bytes));
  const gigantic = "[4294967296,4294967296,4294967296]";
  it.each<[string, Uint8Array, RegExp]>([
    ["7 bytes", new Uint8Array(7), /too few/],
    ["a header longer than the file", file("{}", undefined, 3n), /claims 3 bytes, the file has 10/],
    ["a header of 2 GB", file("{}", undefined, 2n ** 31n), /claims 2147483648 bytes/],
    ["a header of 2^64 − 1 bytes", file("{}", undefined, 2n ** 64n - 1n), /claims 18446744073709551615/],
    ["a header that is no JSON", file("{"), /not JSON/],
    ["a header that is a list", file("[]"), /no JSON object/],
    ["a header that is null", file("null"), /no JSON object/],
    ["a header that is not UTF-8", file("{}").fill(0xff, 8), /UTF-8/],
    ["a name that comes twice", file(`{"a":{${four}},"a":{${four}}}`, new Uint8Array(4)), /"a" twice/],
    [
      "a name that comes twice, once escaped",
      file(`{"a":{${four}},"\\u0061":{${four}}}`, new Uint8Array(4)),
      /"a" twice/,
    ],
    ["a shape that comes twice", altered('"shape"', '"shape":[1],"shape"'), /"shape" twice/],
    ["a dtype that nobody knows", altered("F32", "F8"), /dtype must be/],
    ["a dtype out of the prototype", altered("F32", "constructor"), /dtype must be/],
    ["a negative side", altered("[1]", "[-1]"), /whole numbers/],
    ["half a side", altered("[1]", "[1.5]"), /whole numbers/],
    ["a shape with another number of values", altered("[1]", "[2]"), /do not hold/],
    ["a shape whose product overflows", altered("[1]", gigantic), /do not hold/],
    ["offsets past the end", altered("", "", 3), /not within the 3 bytes/],
    ["offsets that run backwards", altered("[0,4]", "[4,0]"), /not within/],
    ["three offsets", altered("[0,4]", "[0,4,4]"), /two data_offsets/],
    ["an unknown field", altered('"dtype"', '"strides":[1],"dtype"'), /expected a dtype/],
    ["a tensor that is a number", file('{"a":1}'), /dtype must be/],
    ["tensors that overlap", file(`{"a":{${four}},"b":{${four}}}`, new Uint8Array(4)), /overlaps/],
    ["a gap before a tensor", altered("[0,4]", "[1,5]", 5), /gap/],
    ["bytes that belong to no tensor", altered("", "", 5), /belong to none/],
    ["metadata that are no strings", file('{"__metadata__":{"a":1}}'), /strings only/],
    ["metadata that are a list", file('{"__metadata__":["a"]}'), /strings only/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
    expect(() => decodeSafetensors(bytes)).toThrow(CnnError);
  });

  it("leaves Object's prototype alone, whatever the names", () => {
    const empty = '"dtype":"U8","shape":[0],"data_offsets":[4,4]';
    const header = `{"__metadata__":{"__proto__":"x"},"__proto__":{${four}},"constructor":{${empty}}}`;
    const { tensors: read, metadata } = decodeSafetensors(file(header, new Uint8Array(4)));
    expect([...read.keys()].sort()).toEqual(["__proto__", "constructor"]);
    expect(Object.entries(metadata)).toEqual([["__proto__", "x"]]);
    expect(Object.hasOwn(Object.prototype, "dtype")).toBe(false);
  });

  it("meets any change of a good file with the tensors or a CnnError, never with anything else", () => {
    const good = encodeSafetensors(
      new Map<string, SafetensorsTensor>([
        ["weight", { dtype: "F32", shape: [2, 3], data: new Float32Array(6) }],
        ["bias", { dtype: "F16", shape: [3], data: new Float32Array(3) }],
        ["labels", { dtype: "I64", shape: [2], data: new BigInt64Array(2) }],
      ]),
      { format: "test" },
    );
    const change = fc.record({
      at: fc.nat({ max: good.length - 1 }),
      value: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from('"{}[]:,0123456789-eE.\\'))),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat({ max: good.length }), (changes, cut) => {
        const bytes = good.slice(0, changes.length % 4 === 0 ? cut : good.length);
        for (const { at, value } of changes) if (at < bytes.length) bytes[at] = value;
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CnnError);
          expect((error as CnnError).code).toBe("INVALID_FILE");
        }
      }),
      { numRuns: 3000 },
    );
  });
});
