import { type Prepared, prepareNetwork } from "../agents/network.js";
import { repeat } from "../agents/repeat.js";
import type { PrepareResponse, Task } from "../protocol.js";

/** What the page of a contestant is asked for; the task's files are beside it. */
export interface PageRequest {
  readonly task: Task;
  readonly batch: number;
  readonly threads: number;
  readonly backend: string;
}

let prepared: Prepared | undefined;

/** Sets up @cifar/cnn in this page. */
export async function prepare(request: PageRequest): Promise<PrepareResponse> {
  const [weights, input] = await Promise.all(["/weights", "/input"].map(fetchBytes));
  prepared = await prepareNetwork({ ...request, weights: weights!, input: input! });
  return { description: `@cifar/cnn ${prepared.description}`, output: prepared.output };
}

export function run(iterations: number): Promise<readonly number[]> {
  return repeat(iterations, prepared!.run);
}

async function fetchBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}
