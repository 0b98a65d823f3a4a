import type { Body } from "./body.js";
import type { Problem } from "./problem.js";

/** A request, whoever brought it: node:http, the official Node template, a test. */
export interface FunctionRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case, repeated headers merged. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Body;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** An answer, always whole: a body cut off after a 200 would look like success. */
export interface FunctionAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The reason of an aborted request whose socket has closed. Nothing is sent for it. */
export class Dropped extends Error {
  override readonly name = "Dropped";
  readonly code = "DROPPED";

  constructor() {
    super("The client has gone away.");
  }
}

export const JSON_TYPE = "application/json";

export function jsonAnswer(value: unknown, headers: Readonly<Record<string, string>> = {}): FunctionAnswer {
  return {
    status: 200,
    headers: { "content-type": JSON_TYPE, "x-content-type-options": "nosniff", ...headers },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** A refusal as problem details (RFC 9457). */
export function problemAnswer(problem: Problem): FunctionAnswer {
  return {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "x-content-type-options": "nosniff",
      ...problem.headers,
    },
    body: `${JSON.stringify(problem)}\n`,
  };
}
