import { BatchQueue } from "./batch-queue.js";
import { ByteBudget, type ByteLease } from "./body.js";
import type { Classifier } from "./classifier.js";
import { type Config, parseDuration } from "./config.js";
import { GarbageMeter } from "./garbage.js";
import type { Hooks } from "./hooks.js";
import type { DecodePicture } from "./input/pictures.js";
import type { Logger } from "./log.js";
import { Dropped, type FunctionAnswer, type FunctionRequest } from "./message.js";
import { asProblem, Problem } from "./problem.js";
import { route } from "./routes.js";

export interface ApplicationOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly decode: DecodePicture;
  /** Default: leaves it all to V8. */
  readonly garbage?: GarbageMeter;
}

/** A network with the queue in front of it and the hooks that came with it: a request has one of them from first to last. */
export interface Model {
  readonly classifier: Classifier;
  readonly queue: BatchQueue;
  readonly hooks: Hooks;
}

/** What a route gets beside the request. */
export interface Exchange {
  readonly request: FunctionRequest;
  /** Aborted when the client has gone away or the time is up. */
  readonly signal: AbortSignal;
  readonly lease: ByteLease;
  /** How many pictures were classified, for the log. */
  pictures: number;
  /** Milliseconds of the parts of the work, for the Server-Timing header. */
  readonly timings: Map<string, number>;
}

/** What a request says of itself before its query and its body are looked at. */
export interface RequestLine extends Pick<FunctionRequest, "method" | "path"> {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is logged of a request. */
interface LogLine {
  readonly request: RequestLine;
  readonly pictures?: number;
  readonly started: number;
  readonly status: number;
  readonly problem?: Problem;
}

/** Bodies in memory at once, in multiples of the largest one: 8 MiB unless configured otherwise. */
const BODIES_IN_MEMORY = 4;

/** Longer timers fire at once in Node. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * The function itself, apart from how requests reach it: waits for its model, keeps limits and times, answers, logs.
 */
export class Application {
  readonly config: Config;
  readonly decode: DecodePicture;
  readonly logger: Logger;
  readonly #budget: ByteBudget;
  readonly #garbage: GarbageMeter;
  #model: Model | undefined;
  #hooks: Hooks = {};
  #loaded: Promise<Model>;
  #resolveLoaded: (model: Model) => void = () => undefined;
  #rejectLoaded: (reason: Problem) => void = () => undefined;
  #inflight = 0;
  #idle: (() => void)[] = [];
  #draining = false;
  #refusing = false;

  constructor({ config, logger, decode, garbage = new GarbageMeter(undefined) }: ApplicationOptions) {
    this.config = config;
    this.decode = decode;
    this.#garbage = garbage;
    this.logger = logger;
    this.#budget = new ByteBudget(BODIES_IN_MEMORY * config.maxBodyBytes);
    this.#loaded = new Promise((resolve, reject) => {
      this.#resolveLoaded = resolve;
      this.#rejectLoaded = reject;
    });
    // There may be no request that waits for it.
    this.#loaded.catch(() => undefined);
  }

  /** Whether it has a model and wants more requests. */
  get ready(): boolean {
    return this.#model !== undefined && !this.#draining;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Whether new requests are answered with 503. */
  get refusing(): boolean {
    return this.#refusing;
  }

  get inflight(): number {
    return this.#inflight;
  }

  /** Changes the hooks alone. */
  set hooks(hooks: Hooks) {
    this.#hooks = hooks;
    if (this.#model !== undefined) {
      this.#model = { ...this.#model, hooks };
    }
  }

  /**
   * Takes up a network, the first one or one in place of another; requests that came to the old one are finished by it.
   * @param hooks default: those there are
   */
  use(classifier: Classifier, hooks = this.#hooks): void {
    const before = this.#model;
    this.#hooks = hooks;
    this.#model = { classifier, queue: new BatchQueue(classifier), hooks };
    this.#resolveLoaded(this.#model);
    if (before !== undefined) {
      void this.whenIdle().then(() => before.classifier.close());
    }
  }

  /** The network, waited for if it is still being loaded. A request asks once: meanwhile another may be taken up. */
  model(): Promise<Model> {
    return this.#model === undefined ? this.#loaded : Promise.resolve(this.#model);
  }

  /** From now on `/_/ready` says no, so that no more requests are sent here; those that come are still answered. */
  drain(): void {
    this.#draining = true;
  }

  /** From now on new requests are answered with 503. */
  refuse(): void {
    this.#draining = true;
    this.#refusing = true;
  }

  /** There will be no network: requests that wait for it are answered with 503, as all others from now on. */
  giveUp(): void {
    this.refuse();
    this.#rejectLoaded(shuttingDown());
  }

  /** Resolves when no request is being worked on. */
  whenIdle(): Promise<void> {
    return this.#inflight === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Gives the network's memory and threads back. */
  async close(): Promise<void> {
    this.refuse();
    await this.#model?.classifier.close();
  }

  /**
   * The refusal of a request beyond `max_inflight`, decided by what comes first of it; undefined where it may come in.
   * Under overload most requests end here: the cheaper, the more time is left for those that are worked on.
   */
  turnAway(request: RequestLine): FunctionAnswer | undefined {
    if (this.#inflight < this.config.maxInflight || isProbe(request)) {
      return undefined;
    }
    this.#log({ request, started: performance.now(), status: OVERLOADED.status, problem: OVERLOADED });
    return OVERLOADED_ANSWER;
  }

  /**
   * Answers a request; never rejects but with `Dropped`, when its signal was aborted and no answer is wanted.
   */
  async answer(request: FunctionRequest): Promise<FunctionAnswer> {
    const turnedAway = this.turnAway(request);
    if (turnedAway !== undefined) {
      return turnedAway;
    }
    const started = performance.now();
    const controller = new AbortController();
    const drop = (): void => controller.abort(new Dropped());
    const limit = this.#timeFor(request);
    const timer = setTimeout(
      () => controller.abort(new Problem("out-of-time", `The answer was not ready within ${Math.round(limit)} ms.`)),
      limit,
    );
    request.signal.addEventListener("abort", drop, { once: true });
    const exchange: Exchange = {
      request,
      signal: controller.signal,
      lease: this.#budget.lease(),
      pictures: 0,
      timings: new Map(),
    };
    try {
      const answer = await this.#work(exchange);
      this.#log({ request, pictures: exchange.pictures, started, status: answer.status });
      return answer;
    } catch (thrown) {
      if (thrown instanceof Dropped || request.signal.aborted) {
        this.#log({ request, started, status: 499 });
        throw thrown instanceof Dropped ? thrown : new Dropped();
      }
      const problem = asProblem(thrown);
      this.#log({ request, started, status: problem.status, problem });
      return problemAnswer(problem);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", drop);
      // Each byte of a body is there twice: as it came and put together.
      this.#garbage.add(2 * exchange.lease.end());
    }
  }

  /** A little less than the watchdog's own time, so that the client gets a sentence and not an empty 504. */
  #timeFor(request: FunctionRequest): number {
    const asked = parseDuration(request.headers["x-timeout"] ?? "") ?? 0;
    const limit = Math.min(asked > 0 ? asked : LONGEST_TIMER, this.config.execTimeout, LONGEST_TIMER);
    return limit - Math.min(500, limit / 10);
  }

  async #work(exchange: Exchange): Promise<FunctionAnswer> {
    if (isProbe(exchange.request)) {
      return route(this, exchange);
    }
    if (this.#refusing) {
      throw shuttingDown();
    }
    this.#inflight++;
    try {
      return await unlessAborted(route(this, exchange), exchange.signal);
    } finally {
      this.#inflight--;
      if (this.#inflight === 0) {
        const idle = this.#idle;
        this.#idle = [];
        for (const resolve of idle) {
          resolve();
        }
      }
    }
  }

  #log({ request, pictures = 0, started, status, problem }: LogLine): void {
    const level = status >= 500 ? "error" : isProbe(request) ? "debug" : "info";
    this.logger.log(level, problem?.message ?? "answered", {
      method: request.method,
      path: request.path,
      status,
      ms: Math.round((performance.now() - started) * 100) / 100,
      callId: request.headers["x-call-id"]?.toString(),
      pictures: pictures > 0 ? pictures : undefined,
      // For the operator alone: what a client must not see.
      cause:
        status >= 500 && problem?.cause instanceof Error ? (problem.cause.stack ?? problem.cause.message) : undefined,
    });
  }
}

/** Probes are answered whatever else goes on. */
function isProbe({ path }: RequestLine): boolean {
  return path.startsWith("/_/");
}

/** Settles as the work does, or rejects with the signal's reason if that comes first. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) {
      abort();
    }
  });
}

function problemAnswer(problem: Problem): FunctionAnswer {
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

const OVERLOADED = new Problem("too-many-requests", "As many requests as fit are being worked on already; try again.", {
  headers: { "retry-after": "1" },
});
const OVERLOADED_ANSWER = problemAnswer(OVERLOADED);

function shuttingDown(): Problem {
  return new Problem("draining", "This replica is shutting down; try again.", { headers: { "retry-after": "1" } });
}
