import { afterEach, describe, expect, it } from "vitest";
import { type Hooks, hooksFrom } from "../src/hooks.ts";
import { labelFor, planes, problemOf, type RunningFunction, startFunction } from "./support/function.ts";

let running: RunningFunction | undefined;

afterEach(() => running?.stop());

async function start(hooks: Hooks): Promise<string> {
  running = await startFunction();
  running.application.hooks = hooks;
  return running.url;
}

describe("hooks", () => {
  it("see the request and may change the answer", async () => {
    const url = await start({
      after: (value, { method, path, query }) => ({ ...(value as object), seen: `${method} ${path} ${query["top"]}` }),
    });
    const answer = await (await fetch(`${url}/?top=1`, { method: "POST", body: planes(2) })).json();
    expect(answer).toMatchObject({ label: labelFor(2), seen: "POST / 1" });
  });

  it("leave the answer as it is where they return nothing", async () => {
    const url = await start({ after: () => undefined });
    expect(await (await fetch(`${url}/accuracy`)).json()).toEqual({ accuracy: 0.7222 });
  });

  it("may refuse a request with a status of their own, before anything is computed", async () => {
    const url = await start({
      before({ headers }) {
        if (headers["authorization"] !== "Bearer secret") {
          throw Object.assign(new Error("This function asks for a token."), { status: 401 });
        }
      },
    });
    const refused = await problemOf(await fetch(url, { method: "POST", body: planes(1) }), 401);
    expect(refused).toMatchObject({ type: "urn:cifar:problem:refused", detail: "This function asks for a token." });
    expect(running!.classifier.calls).toEqual([]);
    expect((await fetch(url, { headers: { authorization: "Bearer secret" } })).status).toBe(200);
    expect((await fetch(`${url}/_/health`)).status).toBe(200);
  });

  it("that fail are a failure of the function, whose text stays in the log", async () => {
    const url = await start({
      before() {
        throw new Error("password: 1234");
      },
    });
    expect((await problemOf(await fetch(url), 500)).detail).not.toContain("1234");
  });
});

describe("hooksFrom", () => {
  it("takes named exports and those of a default export", () => {
    const before = (): void => undefined;
    const after = (): void => undefined;
    expect(hooksFrom({ before })).toEqual({ before });
    expect(hooksFrom({ default: { after } })).toEqual({ after });
    expect(hooksFrom({ default: () => undefined })).toEqual({});
  });

  it("refuses what is not a function", () => {
    expect(() => hooksFrom({ before: 7 })).toThrow(
      'handler.js exports "before", which must be a function but is number',
    );
  });
});
