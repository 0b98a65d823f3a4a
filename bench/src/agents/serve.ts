import { createInterface } from "node:readline";
import type { PrepareRequest, PrepareResponse, Request } from "../protocol.js";

/** What a contestant makes of a task: `run` times so many runs, each in milliseconds. */
export type Served = PrepareResponse & { readonly run: (iterations: number) => Promise<readonly number[]> };

/** Answers the requests of protocol.ts on stdin until it ends; what `prepare` throws is a refusal. */
export async function serve(prepare: (request: PrepareRequest["prepare"]) => Promise<Served>): Promise<void> {
  let served: Served | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    if ("prepare" in request) {
      try {
        served = await prepare(request.prepare);
        answer({ description: served.description, output: served.output });
      } catch (error) {
        answer({ refused: (error instanceof Error ? error.message : String(error)).split("\n")[0] });
      }
    } else {
      answer({ milliseconds: await served!.run(request.run.iterations) });
    }
  }
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
