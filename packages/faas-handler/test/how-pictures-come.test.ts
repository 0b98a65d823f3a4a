import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  fakePng,
  labelFor,
  PICTURE_BYTES,
  planes,
  problemOf,
  type RunningFunction,
  startFunction,
} from "./support/function.ts";

let running: RunningFunction;

beforeAll(async () => {
  running = await startFunction();
});

afterAll(() => running.stop());

function post(body: RequestInit["body"], headers: Record<string, string> = {}): Promise<Response> {
  return fetch(running.url, { method: "POST", body: body ?? null, headers });
}

/** The start of a JPEG and one byte that the tests' decoder goes by, then as many others. */
function fakeJpeg(red: number, more: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, red, ...new Array<number>(more).fill(0)]);
}

describe("a PNG or JPEG file is told by its first bytes", () => {
  const expected = { label: labelFor(3) };

  it.each([
    "image/png",
    "image/jpg",
    "image/webp",
    "text/plain",
    "application/json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "nonsense",
  ])("whatever its Content-Type says: %s", async (type) => {
    for (const file of [fakePng(3), fakeJpeg(3, 20)]) {
      expect(await (await post(file, { "content-type": type })).json()).toMatchObject(expected);
    }
  });

  it("if it comes in pieces of a byte", async () => {
    const pieces = [...fakePng(3)].map((byte) => Uint8Array.of(byte));
    const body = new ReadableStream({
      pull: (controller) => {
        const piece = pieces.shift();
        if (piece === undefined) {
          controller.close();
        } else {
          controller.enqueue(piece);
        }
      },
    });
    const init = { method: "POST", body, duplex: "half", headers: { "content-type": "text/plain" } };
    expect(await (await fetch(running.url, init as RequestInit)).json()).toMatchObject(expected);
  });

  it("also where it has as many bytes as planes would have", async () => {
    const file = fakeJpeg(3, PICTURE_BYTES - 9);
    expect(file.length).toBe(PICTURE_BYTES);
    const form = new FormData();
    form.append("image", new Blob([file]), "a.jpg");
    const image = Buffer.from(file).toString("base64");
    expect(await (await post(file)).json()).toMatchObject(expected);
    expect(await (await post(form)).json()).toMatchObject([expected]);
    expect(await (await post(JSON.stringify({ image }), { "content-type": "application/json" })).json()).toMatchObject(
      expected,
    );
  });
});

describe("a form", () => {
  function formOf(...parts: readonly (readonly [name: string, content: Uint8Array])[]): RequestInit["body"] {
    return new Uint8Array(
      Buffer.concat([
        ...parts.flatMap(([name, content]) => [
          Buffer.from(
            `--x\r\nContent-Disposition: form-data; name="image"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
          ),
          content,
          Buffer.from("\r\n"),
        ]),
        Buffer.from("--x--\r\n"),
      ]),
    );
  }
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  const empty = ["", new Uint8Array(0)] as const;

  it("may have file inputs that nobody has filled", async () => {
    const answer = await post(formOf(empty, ["a", planes(3)], empty, ["b", fakePng(4)], empty), headers);
    expect(await answer.json()).toMatchObject([{ label: labelFor(3) }, { label: labelFor(4) }]);
  });

  it("of nothing else holds no file, and an empty file with a name is no picture", async () => {
    expect((await problemOf(await post(formOf(empty, empty), headers), 422)).detail).toContain("holds no file");
    expect((await problemOf(await post(formOf(["a", new Uint8Array(0)]), headers), 422)).detail).toContain(
      "File 1 of the form",
    );
  });
});

describe("base64 in JSON", () => {
  // Both signs in which the two alphabets differ come up.
  const bytes = fakePng(3, 1);
  const file = Uint8Array.from([...bytes, 0xfb, 0xef, 0xff, 0xff, 0xfe]);
  const text = Buffer.from(file).toString("base64");
  const lines = (end: string) => text.match(/.{1,8}/g)!.join(end) + end;

  it.each([
    ["in one line", text],
    ["with line feeds", lines("\n")],
    ["with carriage returns and line feeds", lines("\r\n")],
    ["in the alphabet for URLs", Buffer.from(file).toString("base64url")],
    ["without its padding", text.replaceAll("=", "")],
    ["in a data: URL", `data:image/png;base64,${text}`],
    ["in a DATA: URL with parameters", `DATA:image/png;name="a";BASE64,${text}`],
    ["in a data: URL with line feeds", `data:;base64,\n${lines("\n")}`],
  ])("is read %s", async (_, image) => {
    expect(text).toMatch(/\+.*\/|\/.*\+/);
    const answer = await post(JSON.stringify({ image }), { "content-type": "application/json" });
    expect(await answer.json()).toMatchObject({ label: labelFor(3) });
  });

  it.each([
    ["data:image/png,%89PNG", "not one of base64"],
    ["data:image/png", "not one of base64"],
    ["data:;base64,", "not base64"],
    ["\n", "not base64"],
    ["AA=A", "not base64"],
    ["A.A.", "not base64"],
  ])("is refused where it is none: %j", async (image, why) => {
    const answer = await post(JSON.stringify({ image }), { "content-type": "application/json" });
    expect((await problemOf(answer, 422)).detail).toContain(why);
  });
});
