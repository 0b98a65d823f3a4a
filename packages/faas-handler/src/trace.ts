/** What is logged of the trace that a request belongs to. */
export interface Trace {
  readonly traceId: string;
  /** Of the caller's span. */
  readonly spanId: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** Reads the header `traceparent` (W3C Trace Context, 3.2); undefined where it is missing or not valid. */
export function parseTraceparent(header: string | string[] | undefined): Trace | undefined {
  const [, traceId, spanId, more] = (typeof header === "string" && TRACEPARENT.exec(header.trim())) || [];
  if (traceId === undefined || spanId === undefined) {
    return undefined;
  }
  // Only a version after the first may say more.
  return more !== undefined && (header as string).trim().startsWith("00") ? undefined : { traceId, spanId };
}
