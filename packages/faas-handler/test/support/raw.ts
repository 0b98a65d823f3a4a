import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection on which a test writes what it likes. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that has come so far. */
  readonly received: () => string;
  /** Resolves with all that came, when the other side has ended. */
  readonly ended: Promise<string>;
}

export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  const ended = once(socket, "close").then(() => text);
  // A reset is an end too; what was received by then is what counts.
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return { socket, received: () => text, ended };
}

/** Head of a POST that promises a body. */
export function headOf(length: number, path = "/", headers = ""): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n${headers}Content-Length: ${length}\r\n\r\n`;
}
