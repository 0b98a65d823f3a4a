import { describe, expect, it } from "vitest";
import { negotiate, parseMediaType } from "../src/media-type.ts";

describe("negotiate", () => {
  const offers = ["application/json", "text/html"];

  it("gives JSON to programs and the page to browsers", () => {
    expect(negotiate(undefined, offers)).toBe("application/json");
    expect(negotiate("*/*", offers)).toBe("application/json");
    const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    expect(negotiate(chrome, offers)).toBe("text/html");
  });

  it("lets the most specific range decide the quality of an offer", () => {
    expect(negotiate("text/*;q=0.9, text/html;q=0.1, application/json;q=0.5", offers)).toBe("application/json");
    expect(negotiate("*/*;q=0.1, text/*", offers)).toBe("text/html");
  });

  it("finds nothing where everything is excluded", () => {
    expect(negotiate("image/png", offers)).toBeUndefined();
    expect(negotiate("*/*;q=0", offers)).toBeUndefined();
  });
});

describe("parseMediaType", () => {
  it("reads types and parameters without regard to case, quotes included", () => {
    const { type, parameters } = parseMediaType('Multipart/Form-Data; Boundary="a;b\\"c" ; x=1')!;
    expect(type).toBe("multipart/form-data");
    expect([...parameters]).toEqual([
      ["boundary", 'a;b"c'],
      ["x", "1"],
    ]);
  });

  it("refuses what is malformed", () => {
    for (const text of ["", "json", "a/b/c", "a /b", "a/b; c", "/"]) {
      expect(parseMediaType(text), text).toBeUndefined();
    }
  });
});
