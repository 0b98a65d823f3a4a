/**
 * What the peers in JavaScript have in common: the protocol of bench/src/protocol.ts on stdin and stdout, and reading the
 * files of a task.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseSafetensors, softmax } from "./safetensors.mjs";

export { softmax };

/** Tensors of a file by name, as { shape, data }. */
export function readSafetensors(path) {
  return parseSafetensors(readFileSync(path));
}

/** A request with its files read. */
export function readTask({ task, weights, input }) {
  return { task, weights: readSafetensors(weights), input: readSafetensors(input) };
}

/**
 * Answers requests until stdin ends. `prepare(request)` returns { description, output, run }, or throws with one line that
 * says why it cannot; `run()` is timed.
 */
export async function serve(prepare) {
  let run;
  const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.prepare) {
      try {
        const prepared = await prepare(request.prepare);
        run = prepared.run;
        answer({ description: prepared.description, output: prepared.output });
      } catch (error) {
        answer({ refused: String(error.message ?? error).split("\n")[0] });
      }
      continue;
    }
    const milliseconds = [];
    for (let i = 0; i < request.run.iterations; i++) {
      const start = performance.now();
      await run();
      milliseconds.push(performance.now() - start);
    }
    answer({ milliseconds });
  }
  process.exit(0);
}

/** An installed peer, or the reason why it is not there. */
export async function load(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error.code === "ERR_MODULE_NOT_FOUND") throw new Error(`${name} is not installed (npm run bench:setup)`);
    throw error;
  }
}
