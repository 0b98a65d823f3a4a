import type { Socket } from "node:net";
import { problemAnswer } from "./message.js";
import { Problem } from "./problem.js";

/** What node:http could not make a request of, as a problem. */
export function malformedProblem(code: string | undefined): Problem {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new Problem("headers-too-large", "The headers of the request are too large; 16 KiB are read.");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new Problem("request-timeout", "The headers of the request did not come within 10 seconds.");
    default:
      return new Problem("invalid-request", "This is not a well-formed HTTP request.");
  }
}

/** The reason phrases of the answers below (RFC 9110, 15.5, and RFC 6585, 5). */
const REASONS = new Map([
  [400, "Bad Request"],
  [408, "Request Timeout"],
  [431, "Request Header Fields Too Large"],
]);

/** Answers what is no request in the form of all other refusals, and closes. */
export function refuseMalformed(socket: Socket, problem: Problem): void {
  const { status, headers, body } = problemAnswer(problem);
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(body), connection: "close" });
  socket.end(
    `HTTP/1.1 ${status} ${REASONS.get(status)}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`,
  );
}
