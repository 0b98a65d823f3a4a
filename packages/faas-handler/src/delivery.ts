import type { IncomingMessage, ServerResponse } from "node:http";
import type { FunctionAnswer } from "./message.js";

/** How much of a body that was refused is still read, and how long, so that the client gets to read the answer. */
export const LINGER = { bytes: 2 ** 24, milliseconds: 1000 } as const;

/** A request's two ends on node:http. */
export interface Connection {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Ends whoever still reads the request's body; absent where nobody has begun to. */
  readonly stopReading?: () => Promise<void>;
}

export interface DeliveryOptions {
  /** No further request is wanted on this connection. */
  readonly close: boolean;
  /** Milliseconds that the client may take to read the answer. */
  readonly timeout: number;
  /** Called if it takes longer. */
  readonly unread: () => void;
}

/**
 * Sends the whole answer. One that is given before the request's body was read ends the connection: whoever keeps a pool
 * of them, as the watchdog does, would send the next request behind the rest of this body.
 * @returns a promise of the answer having been read or given up; undefined where it has gone out already
 */
export function deliver(
  answer: FunctionAnswer,
  { request, response, stopReading }: Connection,
  { close, timeout, unread }: DeliveryOptions,
): Promise<void> | undefined {
  const { complete } = request;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(close || !complete ? { connection: "close" } : {}),
    "content-length": Buffer.byteLength(answer.body),
  });
  if (complete) {
    // As text: Node then sends headers and body in one system call.
    response.end(answer.body);
  } else {
    response.write(answer.body);
    void linger(request, response, stopReading);
  }
  return complete && response.writableLength === 0 ? undefined : untilRead(response, timeout, unread);
}

/** Resolves when all of an answer has gone out, or the connection is at its end. */
function untilRead(response: ServerResponse, timeout: number, unread: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = Number.isFinite(timeout)
      ? setTimeout(() => {
          unread();
          response.destroy();
        }, timeout)
      : undefined;
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (response.destroyed) {
      done();
      return;
    }
    response.once("finish", done);
    response.once("close", done);
  });
}

/** Reads on for a while: a socket closed with unread bytes is reset, and the client may lose the answer with it. */
async function linger(
  request: IncomingMessage,
  response: ServerResponse,
  stopReading: Connection["stopReading"],
): Promise<void> {
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
