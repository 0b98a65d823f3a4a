import { Problem } from "./problem.js";

/** What a hook gets to know of a request. */
export interface HookRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/**
 * A function's own code around the classification: the exports of its `handler.js`. An error thrown with a `status`
 * from 400 to 499 refuses the request with that status and the error's message; any other is a failure, 500.
 */
export interface Hooks {
  /** Before the body is read, for every path but those under `/_/`. */
  readonly before?: (request: HookRequest) => void | Promise<void>;
  /** With the value that would be sent as JSON; sends what it returns, or the value itself where that is undefined. */
  readonly after?: (value: unknown, request: HookRequest) => unknown;
}

/** Runs a hook and turns what it throws into a problem. */
async function guarded<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw refusal(thrown) ?? thrown;
  }
}

function refusal(thrown: unknown): Problem | undefined {
  if (thrown instanceof Problem || !(thrown instanceof Error) || !("status" in thrown)) {
    return undefined;
  }
  const { status } = thrown;
  const refused = typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 499;
  return refused ? new Problem("refused", thrown.message, { status, cause: thrown }) : undefined;
}

export function runBefore(hooks: Hooks, request: HookRequest): Promise<void> {
  return guarded(() => hooks.before?.(request));
}

export async function runAfter(hooks: Hooks, value: unknown, request: HookRequest): Promise<unknown> {
  const changed = await guarded(() => hooks.after?.(value, request));
  return changed === undefined ? value : changed;
}

/**
 * Takes hooks from what a module exports: `before` and `after` by name, or an object with them as default export
 * (which is what `module.exports = { … }` becomes).
 * @throws Error where an export of that name is not a function
 */
export function hooksFrom(module: Readonly<Record<string, unknown>>): Hooks {
  const fallback = typeof module["default"] === "object" && module["default"] !== null ? module["default"] : {};
  const from: Readonly<Record<string, unknown>> = { ...fallback, ...module };
  const hooks: { -readonly [Name in keyof Hooks]: Hooks[Name] } = {};
  for (const name of ["before", "after"] as const) {
    const hook = from[name];
    if (hook === undefined) {
      continue;
    }
    if (typeof hook !== "function") {
      throw new TypeError(`handler.js exports "${name}", which must be a function but is ${typeof hook}`);
    }
    hooks[name] = hook as never;
  }
  return hooks;
}
