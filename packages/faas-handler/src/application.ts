import { Admission, type Visit } from "./admission.js";
import { BatchQueue } from "./batch-queue.js";
import type { Body, ByteLease } from "./body.js";
import type { Classifier } from "./classifier.js";
import { type Config, parseDuration } from "./config.js";
import { GarbageMeter } from "./garbage.js";
import type { Hooks } from "./hooks.js";
import type { DecodePicture } from "./input/pictures.js";
import type { Logger } from "./log.js";
import { Dropped, type FunctionAnswer, type FunctionRequest, problemAnswer } from "./message.js";
import { asProblem, Problem } from "./problem.js";
import { isProbe, type RequestLine, RequestLog } from "./request-log.js";
import { route } from "./routes.js";
import { Uploads } from "./uploads.js";

export interface ApplicationOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly decode: DecodePicture;
  /** Gives back what the decoder holds, such as its thread; default: nothing. */
  readonly closeDecoder?: () => Promise<void>;
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
  /** The request's, watched while it comes. */
  readonly body: Body;
  readonly lease: ByteLease;
  /**
   * To be called before work is done for a body that is in.
   * @throws Problem too-many-requests where as many requests as fit are worked on already
   */
  readonly takePlace: () => void;
  /** How many pictures were classified, for the log. */
  pictures: number;
  /** Milliseconds of the parts of the work, for the Server-Timing header. */
  readonly timings: Map<string, number>;
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
  readonly requestLog: RequestLog;
  readonly #uploads: Uploads;
  readonly #admission: Admission;
  readonly #garbage: GarbageMeter;
  readonly #closeDecoder: () => Promise<void>;
  #model: Model | undefined;
  #hooks: Hooks = {};
  #loaded: Promise<Model>;
  #resolveLoaded: (model: Model) => void = () => undefined;
  #rejectLoaded: (reason: Problem) => void = () => undefined;
  #draining = false;
  #refusing = false;

  constructor(options: ApplicationOptions) {
    const { config, logger, decode, closeDecoder = async () => undefined } = options;
    const { garbage = new GarbageMeter(undefined) } = options;
    this.config = config;
    this.decode = decode;
    this.#closeDecoder = closeDecoder;
    this.#garbage = garbage;
    this.logger = logger;
    this.requestLog = new RequestLog(logger);
    this.#uploads = new Uploads({ bytes: BODIES_IN_MEMORY * config.maxBodyBytes, patience: config.uploadTimeout });
    this.#admission = new Admission(config.maxInflight);
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

  /** Requests that have come and whose answers have not been read. */
  get inflight(): number {
    return this.#admission.requests;
  }

  /** Those of them that have a place: whose bodies are in. */
  get working(): number {
    return this.#admission.placed;
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

  /** Resolves when every request has been answered and every answer read. */
  whenIdle(): Promise<void> {
    return this.#admission.whenIdle();
  }

  /** Gives the memory and threads of network and decoder back. */
  async close(): Promise<void> {
    this.refuse();
    await this.#closeDecoder();
    await this.#model?.classifier.close();
  }

  /**
   * The refusal of a request beyond `max_inflight`, decided by what comes first of it; undefined where it may come in.
   * Under overload most requests end here: the cheaper, the more time is left for those that are worked on.
   */
  turnAway(request: RequestLine): FunctionAnswer | undefined {
    if (isProbe(request) || this.#admission.admits(request.method)) {
      return undefined;
    }
    this.requestLog.answered({ request, started: performance.now(), status: OVERLOADED.status, problem: OVERLOADED });
    return OVERLOADED_ANSWER;
  }

  /**
   * Answers a request; never rejects but with `Dropped`, when its signal was aborted and no answer is wanted.
   * @param deliver hands the answer over: the request counts as in flight until that is done
   */
  async answer(
    request: FunctionRequest,
    deliver: (answer: FunctionAnswer) => Promise<void> | undefined = () => undefined,
  ): Promise<FunctionAnswer> {
    const turnedAway = this.turnAway(request);
    if (turnedAway !== undefined || isProbe(request)) {
      const answer = turnedAway ?? (await this.#answer(request));
      await deliver(answer);
      return answer;
    }
    const visit = this.#admission.enter();
    try {
      const answer = await this.#answer(request, visit);
      const delivered = deliver(answer);
      if (delivered !== undefined) {
        await delivered;
      }
      return answer;
    } finally {
      this.#admission.leave(visit);
    }
  }

  async #answer(request: FunctionRequest, visit?: Visit): Promise<FunctionAnswer> {
    const started = performance.now();
    const controller = new AbortController();
    const { limit, isClients } = this.#timeFor(request);
    const timer = setTimeout(
      () => controller.abort(new Problem("out-of-time", `The answer was not ready within ${Math.round(limit)} ms.`)),
      limit,
    );
    const drop = (): void => {
      const { reason } = request.signal;
      controller.abort(reason instanceof Problem ? reason : new Dropped());
    };
    request.signal.addEventListener("abort", drop, { once: true });
    const upload = this.#uploads.open((problem) => controller.abort(problem));
    const exchange: Exchange = {
      request,
      signal: controller.signal,
      body: upload.read(request.body),
      lease: upload,
      takePlace: () => {
        if (visit !== undefined && !this.#admission.takePlace(visit)) {
          throw OVERLOADED;
        }
      },
      pictures: 0,
      timings: new Map(),
    };
    try {
      const answer = await this.#work(exchange);
      this.requestLog.answered({ request, pictures: exchange.pictures, started, status: answer.status });
      return answer;
    } catch (thrown) {
      if (thrown instanceof Dropped || (request.signal.aborted && !(request.signal.reason instanceof Problem))) {
        this.requestLog.answered({ request, started, status: 499 });
        throw thrown instanceof Dropped ? thrown : new Dropped();
      }
      const problem = asProblem(thrown);
      const level = isClients && problem.code === "out-of-time" ? "info" : undefined;
      this.requestLog.answered({ request, started, status: problem.status, problem, level });
      return problemAnswer(problem);
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", drop);
      // Each byte of a body is there twice: as it came and put together.
      this.#garbage.add(2 * upload.end());
    }
  }

  /**
   * A little less than the watchdog's own time, so that the client gets a sentence and not an empty 504.
   * @returns milliseconds, and whether the client has asked for less than is configured
   */
  #timeFor(request: FunctionRequest): { readonly limit: number; readonly isClients: boolean } {
    const { execTimeout } = this.config;
    const asked = parseDuration(request.headers["x-timeout"] ?? "") ?? 0;
    const isClients = asked > 0 && asked < execTimeout;
    const limit = Math.min(isClients ? asked : execTimeout, LONGEST_TIMER);
    return { limit: limit - Math.min(500, limit / 10), isClients };
  }

  async #work(exchange: Exchange): Promise<FunctionAnswer> {
    if (this.#refusing && !isProbe(exchange.request)) {
      throw shuttingDown();
    }
    return unlessAborted(route(this, exchange), exchange.signal);
  }
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

const OVERLOADED = new Problem("too-many-requests", "As many requests as fit are being worked on already; try again.", {
  headers: { "retry-after": "1" },
});
const OVERLOADED_ANSWER = problemAnswer(OVERLOADED);

function shuttingDown(): Problem {
  return new Problem("draining", "This replica is shutting down; try again.", { headers: { "retry-after": "1" } });
}
