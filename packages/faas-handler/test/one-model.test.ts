import { once } from "node:events";
import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { PictureReader } from "../src/input/pictures.ts";
import {
  CLASSES,
  type FakeClassifier,
  fakeClassifier,
  labelFor,
  planes,
  problemOf,
  type RunningFunction,
  startFunction,
} from "./support/function.ts";

let running: RunningFunction;
afterEach(() => running.stop());

/** A network of another shape and with other classes. */
function otherNetwork(): FakeClassifier {
  return {
    ...fakeClassifier(),
    classes: ["dark", "light"],
    shape: [8, 8, 1],
    async predict() {
      throw new Error("this network was not to be asked");
    },
  };
}

interface SlowUpload {
  finish(rest: Uint8Array): void;
  readonly answer: Promise<{ readonly status: number; readonly body: string }>;
}

/** Sends the first part of a body and leaves the rest for later. */
function upload(path: string, first: Uint8Array): SlowUpload {
  const outgoing = request({ host: "127.0.0.1", port: running.port, method: "POST", path });
  const answer = once(outgoing, "response").then(async ([incoming]) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) {
      parts.push(part);
    }
    return { status: incoming.statusCode as number, body: Buffer.concat(parts).toString() };
  });
  outgoing.write(first);
  return { answer, finish: (rest) => outgoing.end(rest) };
}

/** Resolves when the function has begun to read a body. */
async function untilReading(): Promise<void> {
  while (running.application.inflight === 0) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  // From the request's head to its first bytes.
  await new Promise((resolve) => setTimeout(resolve, 50));
}

describe("a request while another model is taken up", () => {
  it("is read and classified by the model that it came to, whatever the new one's shape is", async () => {
    running = await startFunction();
    const picture = planes(7);
    const slow = upload("/", picture.subarray(0, 1000));
    await untilReading();
    running.application.use(otherNetwork());
    slow.finish(picture.subarray(1000));
    const { status, body } = await slow.answer;
    expect(status, body).toBe(200);
    expect(JSON.parse(body).classes).toHaveLength(CLASSES.length);
    expect(JSON.parse(body).label).toBe(labelFor(7));
    expect(running.classifier.calls).toEqual([1]);
  });

  it("is seen by the hooks that came with its model, before and after", async () => {
    running = await startFunction();
    running.application.hooks = { after: () => "old" };
    const slow = upload("/", planes(7).subarray(0, 1000));
    await untilReading();
    running.application.use(otherNetwork(), { after: () => "new" });
    slow.finish(planes(7).subarray(1000));
    expect((await slow.answer).body).toBe('"old"\n');
  });

  it("leaves the old model open until that request has its answer", async () => {
    running = await startFunction();
    const slow = upload("/", planes(7).subarray(0, 1000));
    await untilReading();
    running.application.use(otherNetwork());
    expect(running.classifier.closed).toBe(false);
    slow.finish(planes(7).subarray(1000));
    await slow.answer;
    while (!running.classifier.closed) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
});

describe("a request that comes before the model", () => {
  it.each([
    ["POST", "/", "*/*"],
    ["GET", "/", "*/*"],
    ["GET", "/", "text/html"],
    ["GET", "/accuracy", "*/*"],
    ["POST", "/evaluate", "*/*"],
  ])("is refused by the hooks that come with it: %s %s, %s", async (method, path, accept) => {
    running = await startFunction({ loaded: false });
    const early = fetch(running.url + path, {
      method,
      headers: { accept },
      ...(method === "POST" ? { body: planes(3) } : {}),
    });
    await untilReading();
    const before = (): void => {
      throw Object.assign(new Error("This function asks for a token."), { status: 401 });
    };
    running.application.use(running.classifier, { before });
    await problemOf(await early, 401);
    expect(running.classifier.calls).toEqual([]);
  });
});

describe("what goes wrong inside", () => {
  it("never reaches a client in the words of the engine", async () => {
    const classifier = fakeClassifier();
    classifier.predict = async () => {
      const nothing: { layers?: { length: number } } = {};
      return new Float32Array(nothing.layers!.length);
    };
    running = await startFunction({ classifier });
    const decoding = PictureReader.prototype.planes;
    for (const [path, body] of [
      ["/", planes(1)],
      ["/evaluate", new Uint8Array(3073)],
    ] as const) {
      const { detail } = await problemOf(await fetch(running.url + path, { method: "POST", body }), 500);
      expect(detail).toBe("The function failed while it worked on this request; its log says more.");
    }
    PictureReader.prototype.planes = () => {
      throw new TypeError("Cannot read properties of undefined (reading 'length')");
    };
    try {
      const { detail } = await problemOf(await fetch(running.url, { method: "POST", body: planes(1) }), 500);
      expect(detail).not.toContain("undefined");
    } finally {
      PictureReader.prototype.planes = decoding;
    }
    expect(running.lines.filter(({ cause }) => String(cause).includes("reading 'length'"))).toHaveLength(3);
  });
});

describe("without limits", () => {
  it("lets requests take their time and comes to no end of them", async () => {
    running = await startFunction({
      config: { execTimeout: Number.POSITIVE_INFINITY, maxInflight: Number.POSITIVE_INFINITY },
      classifier: fakeClassifier({ milliseconds: 50 }),
    });
    const answers = await Promise.all(
      Array.from({ length: 80 }, () => fetch(running.url, { method: "POST", body: planes(2) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(new Array(80).fill(200));
    const limited = await fetch(running.url, {
      method: "POST",
      body: planes(2),
      headers: { "x-timeout": "10ms" },
    });
    await problemOf(limited, 504);
  });
});
