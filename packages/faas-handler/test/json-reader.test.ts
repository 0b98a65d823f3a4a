import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonError } from "../src/input/json-grammar.ts";
import { JsonReader } from "../src/input/json-reader.ts";

function reader(text: string): JsonReader {
  return new JsonReader(new TextEncoder().encode(text));
}

/** Builds what was read with the reader's own calls. */
function build(json: JsonReader, text: string): unknown {
  switch (json.kind()) {
    case "array": {
      const array: unknown[] = [];
      for (const _ of json.elements()) {
        array.push(build(json, text));
      }
      return array;
    }
    case "object": {
      const entries: [string, unknown][] = [];
      for (const name of json.members()) {
        entries.push([name, build(json, text)]);
      }
      return Object.fromEntries(entries);
    }
    case "string":
      return json.string();
    case "number":
      return json.number();
    default:
      json.skip();
      return "a literal";
  }
}

describe("JsonReader", () => {
  it("reads the values that JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const json = reader(text);
        const expected = JSON.parse(text, (_, value) =>
          typeof value === "boolean" || value === null ? "a literal" : value,
        );
        expect(build(json, text)).toEqual(expected);
        json.end();
      }),
    );
  });

  it("takes for JSON exactly what JSON.parse does", () => {
    const pieces = fc.constantFrom(
      ...'[]{},:"\\',
      "0",
      "12",
      "-",
      "1e5",
      "1.5",
      ".",
      "01",
      "true",
      "nul",
      " ",
      "\n",
      "\t",
      "a",
      "\u0001",
      "\\u00e9",
      "é",
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 8 }).map((each) => each.join("")),
      fc.tuple(fc.json(), fc.nat(), pieces).map(([text, at, piece]) => {
        const where = at % (text.length + 1);
        return text.slice(0, where) + piece + text.slice(where + (at % 2));
      }),
    );
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const isRead = (text: string): boolean => {
      const json = reader(text);
      try {
        json.skip();
        json.end();
        return true;
      } catch (error) {
        if (error instanceof JsonError) {
          return false;
        }
        throw error;
      }
    };
    fc.assert(
      fc.property(texts, (text) => {
        expect(isRead(text), JSON.stringify(text)).toBe(isJson(text));
      }),
      { numRuns: 5000 },
    );
  });

  it("refuses values nested without end before they cost memory", () => {
    expect(() => reader("[".repeat(1_000_000)).skip()).toThrow("nested more than 64 levels deep");
  });
});
