import { Agent, request } from "node:http";
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

function send({ port, picture }: Load, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        agent,
        headers: { "content-type": "image/png", "content-length": picture.length },
      },
      (incoming) => {
        incoming.resume();
        incoming.on("end", () =>
          resolve({ status: incoming.statusCode ?? 0, milliseconds: performance.now() - started }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(picture);
  });
}

export interface LoadResult {
  readonly answers: readonly Answer[];
  readonly seconds: number;
}

/** Each connection sends its next request when the one before is answered. */
export async function closedLoop(load: Load, connections: number, requests: number): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answers: Answer[] = [];
  let left = requests;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) answers.push(await send(load, agent));
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  return { answers, seconds };
}

export interface Pace {
  readonly clients: number;
  /** Requests of all clients together. */
  readonly perSecond: number;
  readonly seconds: number;
}

/** Clients who know nothing of each other: each sends at its own pace, whatever comes back, over its own connection. */
export async function openLoop(load: Load, { clients, perSecond, seconds }: Pace): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const answers: Answer[] = [];
  const started = performance.now();
  const interval = (1000 * clients) / perSecond;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      let due = started + (interval * client) / clients;
      while (due < started + 1000 * seconds) {
        await sleep(Math.max(0, due - performance.now()));
        answers.push(await send(load, agent));
        due = Math.max(due + interval, performance.now());
      }
    }),
  );
  const elapsed = (performance.now() - started) / 1000;
  agent.destroy();
  return { answers, seconds: elapsed };
}

/** Quantile of the answers' times, in milliseconds to two digits after the point. */
export function latency(answers: readonly Answer[], fraction: number): number {
  const sorted = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return Number(quantile(sorted, fraction).toFixed(2));
}
