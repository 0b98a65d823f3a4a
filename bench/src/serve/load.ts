import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../statistics.js";

export interface Answer {
  readonly status: number;
  readonly milliseconds: number;
}

export interface Load {
  readonly port: number;
  readonly picture: Buffer;
}

/**
 * A connection that sends one request again and again. It writes bytes and reads as much of HTTP as the function
 * answers with: node's own client would take more of a core than the function that is measured beside it.
 */
class Client {
  readonly #socket: Socket;
  readonly #request: Buffer;
  #received = "";
  #answered: ((status: number) => void) | undefined;
  #failed: ((reason: Error) => void) | undefined;

  private constructor(socket: Socket, picture: Buffer) {
    this.#socket = socket;
    const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: ${picture.length}\r\n\r\n`;
    this.#request = Buffer.concat([Buffer.from(head), picture]);
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", (error) => this.#failed?.(error));
    socket.on("close", () => this.#failed?.(new Error("the function has closed the connection")));
  }

  static async open({ port, picture }: Load): Promise<Client> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Client(socket, picture);
  }

  async send(): Promise<Answer> {
    const started = performance.now();
    const status = await new Promise<number>((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(this.#request);
    });
    return { status, milliseconds: performance.now() - started };
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(this.#received) ?? [];
    if (length === undefined) {
      this.#failed?.(new Error("an answer without Content-Length"));
    } else if (this.#received.length >= headEnd + 4 + Number(length)) {
      const status = Number(this.#received.slice(9, 12));
      this.#received = "";
      this.#answered?.(status);
    }
  }
}

export interface LoadResult {
  readonly answers: readonly Answer[];
  readonly seconds: number;
}

/** Opens all connections before the clock starts, and lets each do its work. */
async function withClients(
  load: Load,
  count: number,
  work: (client: Client, index: number, started: number) => Promise<Answer[]>,
): Promise<LoadResult> {
  const clients = await Promise.all(Array.from({ length: count }, () => Client.open(load)));
  const started = performance.now();
  const answers = await Promise.all(clients.map((client, index) => work(client, index, started)));
  const seconds = (performance.now() - started) / 1000;
  for (const client of clients) client.close();
  return { answers: answers.flat(), seconds };
}

/** Each connection sends its next request when the one before is answered. */
export function closedLoop(load: Load, connections: number, requests: number): Promise<LoadResult> {
  let left = requests;
  return withClients(load, connections, async (client) => {
    const answers: Answer[] = [];
    while (left-- > 0) answers.push(await client.send());
    return answers;
  });
}

export interface Pace {
  readonly clients: number;
  /** Requests of all clients together. */
  readonly perSecond: number;
  readonly seconds: number;
}

/** Clients who know nothing of each other: each sends at its own pace, whatever comes back, over its own connection. */
export function openLoop(load: Load, { clients, perSecond, seconds }: Pace): Promise<LoadResult> {
  const interval = (1000 * clients) / perSecond;
  return withClients(load, clients, async (client, index, started) => {
    const answers: Answer[] = [];
    let due = started + (interval * index) / clients;
    while (due < started + 1000 * seconds) {
      await sleep(Math.max(0, due - performance.now()));
      answers.push(await client.send());
      due = Math.max(due + interval, performance.now());
    }
    return answers;
  });
}

/** Quantile of the answers' times, in milliseconds to two digits after the point. */
export function latency(answers: readonly Answer[], fraction: number): number {
  const sorted = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return Number(quantile(sorted, fraction).toFixed(2));
}
