import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CLASSES,
  fakePng,
  labelFor,
  PICTURE_BYTES,
  planes,
  problemOf,
  type RunningFunction,
  record,
  startFunction,
} from "./support/function.ts";

let running: RunningFunction;

beforeAll(async () => {
  running = await startFunction({ config: { maxBodyBytes: 100_000 } });
});

afterAll(() => running.stop());

function post(
  path: string,
  body: RequestInit["body"],
  type?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(running.url + path, {
    method: "POST",
    ...(body === undefined ? {} : { body }),
    headers: { ...(type === undefined ? {} : { "content-type": type }), ...headers },
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

describe("GET /", () => {
  it("tells of the model, accuracy first", async () => {
    const response = await fetch(running.url);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toMatch(/^\{"accuracy":0\.7222,/);
  });

  it("gives the same card to a POST without a body", async () => {
    const response = await post("/", undefined);
    expect(await response.json()).toMatchObject({ accuracy: 0.7222, classes: CLASSES });
  });

  it("gives the same card to a POST of a chunked body of no bytes, which is how the watchdog sends it", async () => {
    const empty = new ReadableStream({ start: (controller) => controller.close() });
    const response = await fetch(running.url, { method: "POST", body: empty, duplex: "half" } as RequestInit);
    expect(await response.json()).toMatchObject({ accuracy: 0.7222 });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"])(
    "gives the same card to an empty POST of %s, which clients name of themselves",
    async (type) => {
      expect(await (await post("/", "", type)).json()).toMatchObject({ accuracy: 0.7222 });
    },
  );

  it("answers HEAD with the headers of GET", async () => {
    const response = await fetch(running.url, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(20);
    expect(await response.text()).toBe("");
  });
});

describe("GET /accuracy", () => {
  it("answers with the accuracy alone", async () => {
    expect(await (await fetch(`${running.url}/accuracy`)).json()).toEqual({ accuracy: 0.7222 });
  });
});

describe("POST / with one picture", () => {
  const expected = { label: "cat", confidence: 0.91 };

  it("classifies a picture file", async () => {
    const answer = await (await post("/", fakePng(3), "image/png")).json();
    expect(answer).toMatchObject(expected);
    expect(answer.classes).toHaveLength(10);
    expect(answer.classes[0]).toEqual({ label: "cat", probability: 0.91 });
  });

  it("classifies planes", async () => {
    expect(await (await post("/", planes(13), "application/octet-stream")).json()).toMatchObject(expected);
  });

  it("recognises a picture file that comes without its media type", async () => {
    expect(await (await post("/", fakePng(3), "application/octet-stream")).json()).toMatchObject(expected);
    expect(await (await post("/", fakePng(3, PICTURE_BYTES - 9))).json()).toMatchObject(expected);
  });

  it("classifies base64 of a file, of planes and of a data URL in JSON", async () => {
    for (const image of [base64(fakePng(3)), base64(planes(3)), `data:image/png;base64,${base64(fakePng(3))}`]) {
      const response = await post("/", JSON.stringify({ image }), "application/json; charset=utf-8");
      expect(await response.json()).toMatchObject(expected);
    }
  });

  it("classifies nested numbers in JSON, under a name or bare", async () => {
    const numbers = Array.from({ length: 32 }, () => Array.from({ length: 32 }, () => [3, 0, 255]));
    for (const body of [{ image: numbers }, numbers]) {
      expect(await (await post("/", JSON.stringify(body), "application/json")).json()).toMatchObject(expected);
    }
  });

  it("names as many classes as ?top asks for, and all where that is more than there are", async () => {
    const of = async (top: number): Promise<number> =>
      (await (await post(`/?top=${top}`, planes(3))).json()).classes.length;
    expect([await of(1), await of(3), await of(99)]).toEqual([1, 3, 10]);
  });

  it("shows what the network saw where ?input=true", async () => {
    const { input } = await (await post("/?input=true", planes(3))).json();
    expect([...Buffer.from(input, "base64").subarray(0, 6)]).toEqual([3, 0, 0, 3, 0, 0]);
  });

  it("tells in Server-Timing how long the network took", async () => {
    expect((await post("/", planes(3))).headers.get("server-timing")).toMatch(/^read;dur=[\d.]+, network;dur=[\d.]+$/);
  });
});

describe("POST / with several pictures", () => {
  const labels = async (response: Response): Promise<string[]> =>
    (await response.json()).map(({ label }: { label: string }) => label);

  it("classifies the files of a form, in order", async () => {
    const form = new FormData();
    const reds = [5, 3, 9, 0, 1, 2];
    for (const red of reds) {
      form.append("image", new Blob([red % 2 === 0 ? planes(red) : fakePng(red)]), `${red}.bin`);
    }
    form.append("note", "not a picture");
    expect(await labels(await post("/", form))).toEqual(reds.map(labelFor));
  });

  it("classifies the images of a JSON array, in order", async () => {
    const images = [7, 2, 4].map((red) => base64(planes(red)));
    expect(await labels(await post("/", JSON.stringify({ images }), "application/json"))).toEqual(
      [7, 2, 4].map(labelFor),
    );
  });

  it("classifies records, in order and whatever their label says", async () => {
    const body = joined(...[8, 1, 6, 6, 2, 9, 4, 3, 5, 7, 0].map((red) => record(9 - red, red)));
    expect(await labels(await post("/", body, "application/octet-stream"))).toEqual(
      [8, 1, 6, 6, 2, 9, 4, 3, 5, 7, 0].map(labelFor),
    );
  });

  it("answers with an array also for a single file of a form and a single record", async () => {
    const form = new FormData();
    form.append("image", new Blob([fakePng(1)]), "1.png");
    expect(await labels(await post("/", form))).toEqual([labelFor(1)]);
    expect(await labels(await post("/", record(0, 1)))).toEqual([labelFor(1)]);
  });
});

describe("POST /evaluate", () => {
  it("counts right answers and tells which classes were taken for which", async () => {
    const body = joined(record(3, 3), record(3, 3), record(3, 5), record(0, 0), record(9, 8));
    const answer = await (await post("/evaluate", body)).json();
    expect(answer).toMatchObject({ accuracy: 0.6, correct: 3, total: 5 });
    expect(answer.classes[3]).toEqual({ label: "cat", total: 3, correct: 2 });
    expect(answer.confusion[3]).toEqual([0, 0, 0, 2, 0, 1, 0, 0, 0, 0]);
    expect(answer.confusion[9]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
  });

  it("takes more than a body may otherwise have, cut wherever the network cuts it", async () => {
    const all = joined(...Array.from({ length: 60 }, (_, index) => record(index % 10, index)));
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7) % 5003) {
          controller.enqueue(all.subarray(at, at + size));
        }
        controller.close();
      },
    });
    const response = await fetch(`${running.url}/evaluate`, {
      method: "POST",
      body: pieces,
      duplex: "half",
    } as RequestInit);
    expect(await response.json()).toMatchObject({ accuracy: 1, total: 60 });
  });

  it("refuses labels out of range, cut records, and no records at all", async () => {
    expect((await problemOf(await post("/evaluate", joined(record(1, 1), record(10, 1))), 422)).detail).toContain(
      "Record 1 has label 10",
    );
    await problemOf(await post("/evaluate", record(1, 1).subarray(0, 3000)), 422);
    await problemOf(await post("/evaluate", undefined), 422);
    await problemOf(await post("/evaluate", "{}", "application/json"), 415);
  });
});

describe("refusals", () => {
  it("says 404 for paths that are not there", async () => {
    expect((await problemOf(await fetch(`${running.url}/nowhere`), 404)).type).toBe("urn:cifar:problem:not-found");
  });

  it("says 405 with the methods that there are", async () => {
    const response = await fetch(running.url, { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("GET, HEAD, POST");
    await problemOf(response, 405);
    const evaluate = await fetch(`${running.url}/evaluate`);
    expect(evaluate.headers.get("allow")).toBe("POST");
    await problemOf(evaluate, 405);
  });

  it("says 406 where the Accept header excludes the answer", async () => {
    await problemOf(await fetch(`${running.url}/accuracy`, { headers: { accept: "text/html" } }), 406);
    await problemOf(await post("/", planes(1), undefined, { accept: "application/json;q=0, image/*" }), 406);
  });

  it("says 413 for a body above the limit, announced or not", async () => {
    await problemOf(await post("/", new Uint8Array(100_001), "image/png"), 413);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10_000)) });
    await problemOf(await fetch(running.url, { method: "POST", body: endless, duplex: "half" } as RequestInit), 413);
  });

  it("says 415 for other media types, and which ones there are", async () => {
    for (const type of ["text/plain", "image/webp", "application/x-www-form-urlencoded", "nonsense"]) {
      const response = await post("/", "x", type);
      expect(response.headers.get("accept")).toContain("image/png");
      const { detail } = await problemOf(response, 415);
      expect(detail).toContain(`Content-Type is ${type};`);
      expect(detail).toContain("-H 'Content-Type: image/png'");
    }
    const { detail } = await problemOf(await post("/evaluate", "x", "text/plain"), 415);
    expect(detail).toContain("-H 'Content-Type: application/octet-stream'");
  });

  it("says 400 for JSON and forms that are malformed", async () => {
    await problemOf(await post("/", "{", "application/json"), 400);
    await problemOf(await post("/", Uint8Array.from([0x22, 0xff, 0x22]), "application/json"), 400);
    await problemOf(await post("/", "no parts", "multipart/form-data; boundary=x"), 400);
    await problemOf(await post("/", "no boundary", "multipart/form-data"), 400);
  });

  it("says 400 for query parameters that are not valid", async () => {
    for (const query of ["top=0", "top=-1", "top=many", "top=1.5", "top=", "input=yes"]) {
      const { detail } = await problemOf(await post(`/?${query}`, planes(1)), 400);
      const [name, value] = query.split("=");
      expect(detail).toMatch(new RegExp(`^${name}\\b.* must be .*, but is "${value}"\\.$`));
    }
  });

  it.each(["image/png", "image/jpeg", "application/json; charset=utf-8", "multipart/form-data; boundary=x"])(
    "says 422 for an empty body that is said to be %s",
    async (type) => {
      const refused = await problemOf(await post("/", "", type), 422);
      expect(refused.type).toBe("urn:cifar:problem:invalid-picture");
      expect(refused.detail).toContain(`The body is empty, but its Content-Type is ${type.split(";")[0]};`);
    },
  );

  it("says 422 for bodies without valid pictures", async () => {
    const json: unknown[] = [
      {},
      null,
      7,
      { image: 7 },
      { image: "!" },
      { image: "" },
      { image: base64(planes(0).subarray(1)) },
      { image: [[[0]]] },
      { image: "AAAA", images: [] },
      { images: [] },
      { images: {} },
      { images: [base64(planes(0)), 7] },
      Array.from({ length: 32 }, () => Array.from({ length: 32 }, () => [0, 0, 256])),
    ];
    for (const value of json) {
      await problemOf(await post("/", JSON.stringify(value), "application/json"), 422);
    }
    await problemOf(await post("/", "neither", "image/png"), 422);
    await problemOf(await post("/", new Uint8Array(3071), "application/octet-stream"), 422);
    await problemOf(await post("/", record(10, 0), "application/octet-stream"), 422);
    const form = new FormData();
    form.append("text", "no file");
    await problemOf(await post("/", form), 422);
    for (const disposition of ['form-data; name="image"', "form-data"]) {
      const part = `--x\r\nContent-Disposition: ${disposition}\r\nContent-Type: image/png\r\n\r\nabc\r\n--x--\r\n`;
      const refused = await problemOf(await post("/", part, "multipart/form-data; boundary=x"), 422);
      expect(refused.detail).toContain("needs a file name");
    }
  });
});
