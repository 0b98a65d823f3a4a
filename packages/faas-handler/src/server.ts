import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { Application } from "./application.js";
import { deliver, LINGER } from "./delivery.js";
import { malformedProblem, refuseMalformed } from "./malformed.js";
import type { FunctionAnswer, FunctionRequest } from "./message.js";

/** Requests on their way from the watchdog when it stops taking new ones; they still arrive after its interval. */
const MARGIN_MS = 250;

/** Connections that may wait to be accepted: where they overflow, the system drops them and clients wait for a second. */
const BACKLOG = 4096;

/** How often Node looks for connections whose headers do not come, in milliseconds. */
const CHECK_HEADERS_MS = 1000;

/** The last request that came on a connection. */
interface Latest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Ends it: what was to be its body is none. */
  readonly controller: AbortController;
  /** Resolves when its answer, and with it all before it, has been delivered. */
  readonly done: Promise<void>;
}

/** The application on node:http, as the watchdog expects it. */
export class FunctionServer {
  readonly application: Application;
  readonly #server: Server;
  readonly #load: () => Promise<void>;
  #loaded: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #latest = new WeakMap<object, Latest>();

  /** @param load hands the application its network and its hooks; called once it listens */
  constructor(application: Application, load: () => Promise<void> = async () => undefined) {
    this.application = application;
    this.#load = load;
    this.#server = createHttpServer(
      {
        // The watchdog keeps idle connections for half a second; the side that sends must be the one that closes them.
        keepAliveTimeout: 65_000,
        headersTimeout: 10_000,
        connectionsCheckingInterval: CHECK_HEADERS_MS,
        // The application has its own time for a request.
        requestTimeout: 0,
        // Small answers must not wait for the client's acknowledgement of the one before.
        noDelay: true,
      },
      (request, response) => void this.#exchange(request, response),
    );
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      void this.#refuseMalformed(error, socket as Socket);
    });
  }

  /**
   * @param port 0 takes a free one
   * @returns the port it listens on
   */
  listen(port: number, host?: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) }, () => {
        this.#server.off("error", reject);
        this.#loaded = this.#load();
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Resolves when the network is ready, rejects where it cannot be loaded. */
  get loaded(): Promise<void> {
    return (
      this.#loaded ?? Promise.reject(new Error("The server does not listen yet; it loads its model once it does."))
    );
  }

  /**
   * Ends as the watchdog wants it: keeps serving for `drainTime`, because requests arrive for as long as the watchdog's
   * own health check takes to be noticed; then takes no more, finishes what is in flight, and frees everything.
   */
  stop(drainTime: number): Promise<void> {
    this.#stopping ??= this.#stop(drainTime);
    return this.#stopping;
  }

  async #stop(drainTime: number): Promise<void> {
    // From now on each answer ends its connection, so that none is left on which a request could be under way.
    this.application.drain();
    if (drainTime > 0) {
      await new Promise((resolve) => setTimeout(resolve, drainTime + MARGIN_MS));
    }
    this.application.refuse();
    // That of node:http would end idle connections at once, and requests that are under way on them with it.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()));
    await this.application.whenIdle();
    if (drainTime > 0) {
      await new Promise((resolve) => setTimeout(resolve, MARGIN_MS));
    }
    // A connection is idle only once its last answer is flushed.
    const idle = setInterval(() => this.#server.closeIdleConnections(), 20);
    // Connections that were opened but never used do not count as idle.
    const late = setTimeout(() => this.#server.closeAllConnections(), 1.5 * LINGER.milliseconds);
    await closed;
    clearInterval(idle);
    clearTimeout(late);
    this.#server.close();
    await this.application.close();
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers, socket } = request;
    const { path, query } = splitTarget(url);
    const line = { method, path, headers };
    // Leaving a loop over the body early must not destroy the socket: the answer goes through it.
    const body = request.iterator({ destroyOnReturn: false });
    let isRead = false;
    const deliverNow = (answer: FunctionAnswer): Promise<void> | undefined => {
      if (response.destroyed) {
        return undefined;
      }
      return deliver(
        answer,
        { request, response, ...(isRead ? { stopReading: () => stopReading(body) } : {}) },
        {
          close: this.application.draining,
          timeout: this.application.config.answerTimeout,
          unread: () => this.application.requestLog.unread(line, answer.status),
        },
      );
    };
    // A small body that came with the headers is read with them, but only after this has been called.
    const send = (answer: FunctionAnswer): Promise<void> | undefined =>
      request.complete ? deliverNow(answer) : setImmediate(answer).then(deliverNow);
    const refusal = this.application.turnAway(line);
    if (refusal !== undefined) {
      await send(refusal);
      return;
    }
    const controller = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) {
        controller.abort();
      }
    });
    isRead = true;
    const done = this.#answer(
      {
        method,
        path,
        query: new URLSearchParams(query),
        headers: mergeHeaders(headers),
        body: { [Symbol.asyncIterator]: () => body },
        signal: controller.signal,
      },
      send,
      request,
    );
    this.#latest.set(socket, { request, response, controller, done });
    await done;
  }

  async #answer(
    request: FunctionRequest,
    send: (answer: FunctionAnswer) => Promise<void> | undefined,
    incoming: IncomingMessage,
  ): Promise<void> {
    try {
      await this.application.answer(request, send);
    } catch {
      // Nobody waits for an answer.
      incoming.destroy();
    }
  }

  /** What is not HTTP: the body of the request before it, or what was to be the next one. */
  async #refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): Promise<void> {
    if (error.code === "ECONNRESET" || !socket.writable || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    const problem = malformedProblem(error.code);
    const latest = this.#latest.get(socket);
    if (latest !== undefined && !latest.request.complete) {
      if (latest.response.headersSent) {
        // The rest of a body that nobody waits for.
        socket.destroySoon();
      } else {
        latest.controller.abort(problem);
      }
      return;
    }
    this.application.requestLog.malformed(problem);
    await latest?.done;
    if (socket.writable) {
      refuseMalformed(socket, problem);
    }
  }
}

/** Ends whoever still reads a body, so that it can be discarded. */
async function stopReading(body: AsyncIterator<Uint8Array>): Promise<void> {
  // What the last read throws has been answered already.
  await body.return?.().catch(() => undefined);
}

function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf("?");
  return at < 0 ? { path: target, query: "" } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

function mergeHeaders(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  const merged: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    merged[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return merged;
}
