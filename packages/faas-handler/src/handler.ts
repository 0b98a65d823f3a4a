import type { Application } from "./application.js";
import { JSON_TYPE } from "./message.js";
import { Problem } from "./problem.js";

/** What the official Node template of OpenFaaS hands to a function. */
export interface FunctionEvent {
  /** Raw bytes with `RAW_BODY=true`; otherwise what the template has parsed: text, or an object from JSON. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly method: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly path: string;
}

/** The part of the template's context that is used. */
export interface FunctionContext {
  status(code: number): FunctionContext;
  headers(values: Record<string, string>): FunctionContext;
  succeed(value: unknown): unknown;
}

/** The signature of a function in the official Node template. */
export type Handler = (event: FunctionEvent, context: FunctionContext) => Promise<unknown>;

/** Makes a handler for the official Node template out of an application. */
export function createHandler(application: () => Promise<Application>): Handler {
  return async (event, context) => {
    const headers: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(event.headers)) {
      headers[name.toLowerCase()] = typeof value === "object" ? value.join(", ") : value;
    }
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(event.query)) {
      query.append(name, String(value));
    }
    const answer = await (await application()).answer({
      method: event.method,
      path: event.path,
      query,
      headers,
      body: bodyOf(event.body, headers["content-type"] ?? ""),
      // The template does not tell when a client goes away.
      signal: new AbortController().signal,
    });
    return context
      .status(answer.status)
      .headers({ ...answer.headers })
      .succeed(answer.body);
  };
}

/** The template parses text and JSON; of anything else without `RAW_BODY=true` it leaves nothing, or an empty object. */
async function* bodyOf(body: unknown, contentType: string): AsyncGenerator<Uint8Array, void, undefined> {
  const isJson = contentType.startsWith(JSON_TYPE);
  if (body instanceof Uint8Array) {
    yield body;
  } else if (typeof body === "string") {
    yield Buffer.from(body);
  } else if (typeof body === "object" && body !== null && (isJson || Object.keys(body).length > 0)) {
    yield Buffer.from(JSON.stringify(body));
  } else if (contentType !== "" && !isJson) {
    throw new Problem(
      "invalid-request",
      "No bytes came through; set RAW_BODY=true for this function to send pictures.",
    );
  }
}
