import type { Logger, LogLevel } from "./log.js";
import type { FunctionRequest } from "./message.js";
import type { Problem } from "./problem.js";
import { parseTraceparent } from "./trace.js";

/** What a request says of itself before its query and its body are looked at. */
export interface RequestLine extends Pick<FunctionRequest, "method" | "path"> {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is logged of an answer. */
interface AnswerLine {
  readonly request: RequestLine;
  readonly pictures?: number;
  /** By `performance.now()`. */
  readonly started: number;
  readonly status: number;
  readonly problem?: Problem;
  /** Default: by the status. */
  readonly level?: LogLevel | undefined;
}

/** Probes are answered whatever else goes on, and logged only when debugging. */
export function isProbe({ path }: Pick<RequestLine, "path">): boolean {
  return path.startsWith("/_/");
}

/** The log's lines about requests. */
export class RequestLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  answered({ request, pictures = 0, started, status, problem, level }: AnswerLine): void {
    const usual = status >= 500 ? "error" : isProbe(request) ? "debug" : "info";
    this.#logger.log(level ?? usual, problem?.message ?? "answered", {
      ...fieldsOf(request),
      status,
      ms: Math.round((performance.now() - started) * 100) / 100,
      pictures: pictures > 0 ? pictures : undefined,
      // For the operator alone: what a client must not see.
      cause:
        status >= 500 && problem?.cause instanceof Error ? (problem.cause.stack ?? problem.cause.message) : undefined,
    });
  }

  /** What was refused before it was a request. */
  malformed(problem: Problem): void {
    this.#logger.log("info", problem.message, { status: problem.status });
  }

  /** An answer that its client did not read in time. */
  unread(request: RequestLine, status: number): void {
    this.#logger.log("warn", "the answer was not read in time", { ...fieldsOf(request), status });
  }
}

/** By what the lines of one request are found. */
function fieldsOf({ method, path, headers }: RequestLine) {
  return { method, path, callId: headers["x-call-id"]?.toString(), ...parseTraceparent(headers["traceparent"]) };
}
