import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Application } from "./application.js";
import type { FunctionAnswer } from "./message.js";
import { Problem } from "./problem.js";

/** How much of a body that was refused is still read, and how long, so that the client gets to read the answer. */
const LINGER = { bytes: 2 ** 24, milliseconds: 1000 } as const;

/** Requests on their way from the watchdog when it stops taking new ones; they still arrive after its interval. */
const MARGIN_MS = 250;

/** Connections that may wait to be accepted: where they overflow, the system drops them and clients wait for a second. */
const BACKLOG = 4096;

/** The application on node:http, as the watchdog expects it. */
export class FunctionServer {
  readonly application: Application;
  readonly #server: Server;
  readonly #load: () => Promise<void>;
  #loaded: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** @param load hands the application its network and its hooks; called once it listens */
  constructor(application: Application, load: () => Promise<void> = async () => undefined) {
    this.application = application;
    this.#load = load;
    this.#server = createHttpServer(
      {
        // The watchdog keeps idle connections for half a second; the side that sends must be the one that closes them.
        keepAliveTimeout: 65_000,
        headersTimeout: 10_000,
        // The application has its own time for a request.
        requestTimeout: 0,
        // Small answers must not wait for the client's acknowledgement of the one before.
        noDelay: true,
      },
      (request, response) => void this.#exchange(request, response),
    );
    this.#server.on("clientError", refuseMalformed);
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
    this.application.drain();
    if (drainTime > 0) {
      await new Promise((resolve) => setTimeout(resolve, drainTime + MARGIN_MS));
    }
    this.application.refuse();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.application.whenIdle();
    // A connection is idle only once its last answer is flushed.
    const idle = setInterval(() => this.#server.closeIdleConnections(), 20);
    // Connections that were opened but never used do not count as idle.
    const late = setTimeout(() => this.#server.closeAllConnections(), 1.5 * LINGER.milliseconds);
    await closed;
    clearInterval(idle);
    clearTimeout(late);
    await this.application.close();
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    const { path, query } = splitTarget(url);
    const refusal = this.application.turnAway({ method, path, headers });
    if (refusal !== undefined) {
      // A small body that came with the headers is read with them, but only after this has been called.
      await Promise.resolve();
      await send(refusal, { request, response });
      return;
    }
    const controller = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) {
        controller.abort();
      }
    });
    // Leaving a loop over the body early must not destroy the socket: the answer goes through it.
    const body = request.iterator({ destroyOnReturn: false });
    let answer: FunctionAnswer;
    try {
      answer = await this.application.answer({
        method,
        path,
        query: new URLSearchParams(query),
        headers: mergeHeaders(headers),
        body: { [Symbol.asyncIterator]: () => body },
        signal: controller.signal,
      });
    } catch {
      // Nobody waits for an answer.
      request.destroy();
      return;
    }
    if (!response.destroyed) {
      // A client that would send its next request here is told that there will be nobody.
      const headers = this.application.refusing ? { ...answer.headers, connection: "close" } : answer.headers;
      await send({ ...answer, headers }, { request, response, stopReading: () => stopReading(body) });
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

interface Connection {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Ends whoever still reads the request's body; absent where nobody has begun to. */
  readonly stopReading?: () => Promise<void>;
}

/**
 * Sends the whole answer. If the request's body has not been read to its end (a refusal), reads on for a while: a
 * socket closed with unread bytes is reset, and the client may lose the answer with it.
 */
async function send(answer: FunctionAnswer, { request, response, stopReading }: Connection): Promise<void> {
  response.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(answer.body) });
  if (request.complete) {
    // As text: Node then sends headers and body in one system call.
    response.end(answer.body);
    return;
  }
  response.write(answer.body);
  if (await discard(request, stopReading)) {
    response.end();
  } else {
    response.end(() => request.destroy());
  }
}

/** Reads the rest of a body and forgets it; false where there is too much of it. */
function discard(request: IncomingMessage, stopReading: Connection["stopReading"]): Promise<boolean> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(() => finish(false), LINGER.milliseconds);
    const finish = (ended: boolean): void => {
      clearTimeout(timer);
      request.off("data", count);
      resolve(ended);
    };
    const count = (chunk: Uint8Array): void => {
      bytes += chunk.byteLength;
      if (bytes > LINGER.bytes) {
        finish(false);
      }
    };
    request.once("close", () => finish(true));
    void (stopReading?.() ?? Promise.resolve()).then(() => {
      if (request.complete) {
        finish(true);
        return;
      }
      request.once("end", () => finish(true));
      request.on("data", count);
      request.resume();
    });
  });
}

/** Answers what is not HTTP, in the form of all other refusals, and closes. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === "HPE_HEADER_OVERFLOW"
      ? new Problem("invalid-request", "The headers of the request are too large.")
      : new Problem("invalid-request", "This is not a well-formed HTTP request.");
  const body = `${JSON.stringify(problem)}\n`;
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
