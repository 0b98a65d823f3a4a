import { Problem } from "./problem.js";

/** The body of a request as it comes in; it may end at any time with an error if the client goes away. */
export type Body = AsyncIterable<Uint8Array>;

/** A request's share of the memory that there is for bodies; it grows while a body is read. */
export interface ByteLease {
  /** @throws Problem too-many-requests where the budget does not have that many bytes left */
  grow(bytes: number): void;
  /** Gives the share back and says how large it was. */
  end(): number;
}

export interface ReadLimits {
  /** Most bytes of the body. */
  readonly maxBytes: number;
  readonly lease: ByteLease;
  /** Called when the body is in. What it throws is thrown to whoever reads. */
  readonly whole?: () => void;
}

/** The problem of a body above `max_body_bytes`. */
function bodyTooLarge(maxBytes: number): Problem {
  return new Problem("body-too-large", `The body may have ${maxBytes} bytes at most; send fewer or smaller pictures.`);
}

/**
 * Passes a body on, chunk by chunk, and counts: against the limit of one body and against the memory of all.
 * @throws Problem body-too-large, too-many-requests
 */
export async function* limited(body: Body, limits: ReadLimits): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > limits.maxBytes) {
      throw bodyTooLarge(limits.maxBytes);
    }
    limits.lease.grow(chunk.byteLength);
    yield chunk;
  }
  limits.whole?.();
}

/**
 * Reads a body to its end.
 * @throws Problem body-too-large, too-many-requests
 */
export async function readBody(body: Body, limits: ReadLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of limited(body, limits)) {
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** A body whose first bytes were looked at. */
export interface StartedBody {
  /** As many as were asked for, or all there are. */
  readonly start: Uint8Array;
  /** All of it, from its first byte on. */
  readonly body: Body;
}

/** Looks at the first bytes of a body: chunked as it comes, nothing else tells what it is, or whether it has any. */
export async function startOf(body: Body, count: number): Promise<StartedBody> {
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < count) {
    const { done, value } = await iterator.next();
    if (done === true) {
      break;
    }
    chunks.push(value);
    length += value.byteLength;
  }
  const start = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  return { start: start.subarray(0, count), body: startingWith(chunks, iterator) };
}

async function* startingWith(
  chunks: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
  for (;;) {
    const { done, value } = await rest.next();
    if (done === true) {
      return;
    }
    yield value;
  }
}
