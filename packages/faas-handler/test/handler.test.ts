import { describe, expect, it } from "vitest";
import { Application } from "../src/application.ts";
import { readConfig } from "../src/config.ts";
import { createHandler, type FunctionContext, type FunctionEvent } from "../src/handler.ts";
import { SILENT } from "../src/log.ts";
import { fakeClassifier, fakeDecode, fakePng, labelFor, planes } from "./support/function.ts";

interface Answer {
  status: number;
  headers: Record<string, string>;
  value: unknown;
}

/** Calls the handler as the official Node template does. */
async function call(event: Partial<FunctionEvent>): Promise<Answer> {
  const application = new Application({ config: readConfig({}), logger: SILENT, decode: fakeDecode });
  application.use(fakeClassifier());
  const handler = createHandler(async () => application);
  const answer: Answer = { status: 200, headers: {}, value: undefined };
  const context: FunctionContext = {
    status: (code) => {
      answer.status = code;
      return context;
    },
    headers: (values) => {
      answer.headers = values;
      return context;
    },
    succeed: (value) => {
      answer.value = value;
      return value;
    },
  };
  await handler({ body: undefined, headers: {}, method: "POST", query: {}, path: "/", ...event }, context);
  return answer;
}

describe("handler(event, context) in the official Node template", () => {
  it("tells of the model", async () => {
    const { status, headers, value } = await call({ method: "GET", body: {} });
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(String(value))).toMatchObject({ accuracy: 0.7222 });
  });

  it("classifies raw bytes", async () => {
    for (const [body, type] of [
      [Buffer.from(fakePng(2)), "image/png"],
      [Buffer.from(planes(2)), "application/octet-stream"],
    ] as const) {
      const { value } = await call({ body, headers: { "Content-Type": type }, query: { top: "2" } });
      const answer = JSON.parse(String(value));
      expect(answer.label).toBe(labelFor(2));
      expect(answer.classes).toHaveLength(2);
    }
  });

  it("classifies JSON that the template has already parsed", async () => {
    const image = Buffer.from(planes(5)).toString("base64");
    const { value } = await call({ body: { image }, headers: { "content-type": "application/json" } });
    expect(JSON.parse(String(value)).label).toBe(labelFor(5));
  });

  it("says what to set where the template kept the bytes back", async () => {
    const { status, value } = await call({ body: {}, headers: { "content-type": "image/png" } });
    expect(status).toBe(400);
    expect(String(value)).toContain("RAW_BODY=true");
  });

  it("answers a refusal with its status, not with the template's 200", async () => {
    expect((await call({ path: "/nowhere" })).status).toBe(404);
  });
});
