import type { Application, Exchange, Model } from "./application.js";
import { type ByteLease, startOf } from "./body.js";
import { type Classifier, describe } from "./classifier.js";
import type { Config } from "./config.js";
import { evaluateRecords } from "./evaluation.js";
import { type HookRequest, runAfter, runBefore } from "./hooks.js";
import { PICTURE_START, PictureReader, type Pictures } from "./input/pictures.js";
import { checkMayBeEmpty, readPictures, unsupportedMediaType } from "./input/read.js";
import { negotiate, parseMediaType } from "./media-type.js";
import { type FunctionAnswer, type FunctionRequest, JSON_TYPE, jsonAnswer } from "./message.js";
import { HTML_TYPE, page } from "./page.js";
import { Problem } from "./problem.js";

type Route = (application: Application, exchange: Exchange) => Promise<FunctionAnswer>;

/** HEAD is GET whose body nobody sends. */
const ROUTES: ReadonlyMap<string, ReadonlyMap<string, Route>> = new Map([
  [
    "/",
    new Map([
      ["GET", describeModel],
      ["POST", classify],
    ]),
  ],
  ["/accuracy", new Map([["GET", accuracy]])],
  ["/evaluate", new Map([["POST", evaluate]])],
  ["/_/health", new Map([["GET", health]])],
  ["/_/ready", new Map([["GET", ready]])],
]);

/** Finds what answers a request and lets it answer. Throws problems. */
export function route(application: Application, exchange: Exchange): Promise<FunctionAnswer> {
  const { method, path } = exchange.request;
  const methods = ROUTES.get(path === "" ? "/" : path);
  if (methods === undefined) {
    return Promise.reject(
      new Problem("not-found", "There are /, /accuracy, /evaluate, /_/health and /_/ready; this path is none of them."),
    );
  }
  const found = methods.get(method === "HEAD" ? "GET" : method);
  if (found === undefined) {
    const allow = [...methods.keys()].flatMap((each) => (each === "GET" ? ["GET", "HEAD"] : [each])).join(", ");
    return Promise.reject(new Problem("method-not-allowed", `This path takes ${allow}.`, { headers: { allow } }));
  }
  return found(application, exchange);
}

/** Chooses the answer's media type, before any work is done for it. */
function accepted(request: FunctionRequest, offers: readonly string[]): string {
  const chosen = negotiate(request.headers["accept"], offers);
  if (chosen === undefined) {
    throw new Problem(
      "not-acceptable",
      `The answer can be had as ${offers.join(" or ")}; the Accept header excludes that.`,
    );
  }
  return chosen;
}

function hookRequest({ method, path, query, headers }: FunctionRequest): HookRequest {
  return { method, path, query: Object.fromEntries(query), headers };
}

/** Answers with JSON that the model's hooks have seen. There is one model for all of it, and nothing before it is there. */
async function withHooks(
  application: Application,
  exchange: Exchange,
  work: (model: Model) => Promise<unknown>,
): Promise<FunctionAnswer> {
  const model = await application.model();
  const { hooks } = model;
  const request = hookRequest(exchange.request);
  await runBefore(hooks, request);
  const value = await runAfter(hooks, await work(model), request);
  const timing = [...exchange.timings].map(([name, ms]) => `${name};dur=${ms.toFixed(2)}`).join(", ");
  return jsonAnswer(value, timing === "" ? {} : { "server-timing": timing });
}

async function describeModel(application: Application, exchange: Exchange): Promise<FunctionAnswer> {
  if (accepted(exchange.request, [JSON_TYPE, HTML_TYPE]) === HTML_TYPE) {
    const { hooks } = await application.model();
    await runBefore(hooks, hookRequest(exchange.request));
    return page();
  }
  const answer = await withHooks(application, exchange, async ({ classifier }) => classifier.card);
  return { ...answer, headers: { ...answer.headers, vary: "accept" } };
}

async function accuracy(application: Application, exchange: Exchange): Promise<FunctionAnswer> {
  accepted(exchange.request, [JSON_TYPE]);
  return withHooks(application, exchange, async ({ classifier }) => ({ accuracy: classifier.card.accuracy }));
}

async function health(): Promise<FunctionAnswer> {
  return jsonAnswer({ status: "ok" });
}

async function ready(application: Application): Promise<FunctionAnswer> {
  if (application.draining) {
    throw new Problem("draining", "This replica is shutting down.");
  }
  if (!application.ready) {
    throw new Problem("not-ready", "The model is still being loaded.", { headers: { "retry-after": "1" } });
  }
  return jsonAnswer({ status: "ready" });
}

/** What came, short enough for a sentence. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

/** `?top=k`: how many classes are named. */
function topOf(query: URLSearchParams): number {
  const text = query.get("top");
  if (text === null) {
    return Number.POSITIVE_INFINITY;
  }
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new Problem(
      "invalid-request",
      `top, how many classes to name, must be a whole number from 1, but is ${quoted(text)}.`,
    );
  }
  return Number(text);
}

/** `?input=true`: whether the answer also holds what the network saw. */
function wantsInput(query: URLSearchParams): boolean {
  const text = query.get("input") ?? "false";
  if (text !== "true" && text !== "false") {
    throw new Problem("invalid-request", `input must be true or false, but is ${quoted(text)}.`);
  }
  return text === "true";
}

/** Bytes of pixels that a request's pictures may become, in multiples of the largest body. */
const PIXELS_OF_BODY = 2;

/**
 * Makes room for the pictures in the answer, which are base64 there.
 * @throws Problem body-too-large, too-many-requests
 */
function admitInput({ pixels, count }: Pictures, { maxBodyBytes }: Config, lease: ByteLease): void {
  if (count === 1) {
    return;
  }
  if (pixels.length > maxBodyBytes) {
    throw new Problem(
      "body-too-large",
      `With input=true the answer would hold ${pixels.length} bytes of ${count} pictures, but may hold ${maxBodyBytes} at most; send fewer, or leave input out.`,
    );
  }
  lease.grow(Math.ceil(pixels.length / 3) * 4);
}

async function classify(application: Application, exchange: Exchange): Promise<FunctionAnswer> {
  const { request, signal, timings } = exchange;
  accepted(request, [JSON_TYPE]);
  const top = topOf(request.query);
  const input = wantsInput(request.query);
  return withHooks(application, exchange, async ({ classifier, queue }) => {
    const pictures = await receive(application, exchange, classifier);
    if (pictures === undefined) {
      return classifier.card;
    }
    exchange.pictures = pictures.count;
    if (input) {
      admitInput(pictures, application.config, exchange.lease);
    }
    const started = performance.now();
    const probabilities = await queue.run(pictures.pixels, signal);
    timings.set("network", performance.now() - started);
    const classes = classifier.classes.length;
    const size = pictures.pixels.length / pictures.count;
    const each = Array.from({ length: pictures.count }, (_, index) => {
      const of = probabilities.subarray(index * classes, (index + 1) * classes);
      const pixels = pictures.pixels.subarray(index * size, (index + 1) * size);
      return {
        ...describe(of, classifier.classes, top),
        ...(input ? { input: Buffer.from(pixels).toString("base64") } : {}),
      };
    });
    return pictures.list ? each : each[0];
  });
}

/** Reads what was sent for a network; undefined for an empty body that does not claim to be a picture. */
async function receive(
  application: Application,
  exchange: Exchange,
  classifier: Classifier,
): Promise<Pictures | undefined> {
  const { request, signal, lease, timings } = exchange;
  const contentType = request.headers["content-type"];
  const { start, body } = await startOf(exchange.body, PICTURE_START);
  if (start.length === 0) {
    checkMayBeEmpty(contentType);
    return undefined;
  }
  const started = performance.now();
  const { maxBodyBytes, maxPictures } = application.config;
  const pictures = await readPictures(body, {
    start,
    contentType,
    reader: new PictureReader({
      decode: application.decode,
      shape: classifier.shape,
      signal,
      limits: { maxPictures, maxPixelBytes: PIXELS_OF_BODY * maxBodyBytes, lease },
    }),
    limits: { maxBytes: maxBodyBytes, lease, whole: exchange.takePlace },
    classes: classifier.classes.length,
  });
  timings.set("read", performance.now() - started);
  return pictures;
}

const RECORDS_TYPE = "application/octet-stream";

async function evaluate(application: Application, exchange: Exchange): Promise<FunctionAnswer> {
  const { request, signal } = exchange;
  accepted(request, [JSON_TYPE]);
  const contentType = request.headers["content-type"] ?? RECORDS_TYPE;
  if (parseMediaType(contentType)?.type !== RECORDS_TYPE) {
    throw unsupportedMediaType(contentType, [RECORDS_TYPE]);
  }
  return withHooks(application, exchange, async ({ classifier, queue }) => {
    const evaluation = await evaluateRecords(exchange.body, { classifier, queue, signal });
    exchange.pictures = evaluation.total;
    return evaluation;
  });
}
