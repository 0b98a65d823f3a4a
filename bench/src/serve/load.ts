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

/** Sends at a fixed rate whatever comes back, as many clients who know nothing of each other do. */
export async function openLoop(load: Load, perSecond: number, seconds: number): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true });
  const pending: Promise<Answer>[] = [];
  const started = performance.now();
  const total = Math.round(perSecond * seconds);
  while (pending.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * perSecond));
    while (pending.length < due) pending.push(send(load, agent));
    await sleep(1);
  }
  const answers = await Promise.all(pending);
  const elapsed = (performance.now() - started) / 1000;
  agent.destroy();
  return { answers, seconds: elapsed };
}

/** Quantile of the answers' times, in milliseconds to two digits after the point. */
export function latency(answers: readonly Answer[], fraction: number): number {
  const sorted = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return Number(quantile(sorted, fraction).toFixed(2));
}
