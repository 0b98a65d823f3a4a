/** The refusals that this function gives. Stable: clients tell them apart by `type`, `urn:cifar:problem:` and the name. */
const KINDS = {
  "invalid-request": { status: 400, title: "The request is not valid" },
  refused: { status: 403, title: "The function's own code refused the request" },
  "not-found": { status: 404, title: "There is nothing at this path" },
  "method-not-allowed": { status: 405, title: "This path does not take this method" },
  "not-acceptable": { status: 406, title: "There is no answer in an accepted media type" },
  "request-timeout": { status: 408, title: "The request did not come in time" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "picture-too-large": { status: 413, title: "The picture is too large to decode" },
  "unsupported-media-type": { status: 415, title: "This media type is not supported" },
  "invalid-picture": { status: 422, title: "The body does not hold what was asked for" },
  "too-many-requests": { status: 429, title: "Too many requests are waiting" },
  "headers-too-large": { status: 431, title: "The headers are too large" },
  "no-answer": { status: 500, title: "The network has no answer" },
  "internal-error": { status: 500, title: "The function failed" },
  "not-ready": { status: 503, title: "The model is still being loaded" },
  draining: { status: 503, title: "The function is shutting down" },
  "out-of-time": { status: 504, title: "The time for this request is up" },
} as const;

/** Name of a problem, the last part of its `type`. */
export type ProblemName = keyof typeof KINDS;

/** What `Problem` is made from, beside its name and its sentence. */
export interface ProblemOptions extends ErrorOptions {
  /** Other than the status that goes with the name; used for refusals by a function's own hooks. */
  readonly status?: number;
  /** Headers that the answer must carry, such as `allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A refusal as problem details (RFC 9457): thrown anywhere while a request is worked on, sent as
 * `application/problem+json`. `message` is the one sentence that the client reads in `detail`.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemName;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemName, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.code = code;
    this.status = options.status ?? KINDS[code].status;
    this.headers = options.headers ?? {};
  }

  /** The body of the answer: `type`, `title`, `status`, `detail`. */
  toJSON(): { type: string; title: string; status: number; detail: string } {
    return {
      type: `urn:cifar:problem:${this.code}`,
      title: KINDS[this.code].title,
      status: this.status,
      detail: this.message,
    };
  }
}

/** Any thrown value as a problem. What was not meant for the client becomes 500 without its text; `cause` keeps it. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) {
    return thrown;
  }
  return new Problem("internal-error", "The function failed while it worked on this request; its log says more.", {
    cause: thrown,
  });
}
