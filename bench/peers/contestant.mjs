/**
 * What the peers in JavaScript have in common: the protocol of bench/src/protocol.ts on stdin and stdout, and reading
 * safetensors (theirs must not depend on the engine they are compared with).
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const TYPES = { F32: Float32Array, I32: Int32Array, U8: Uint8Array };

/** Tensors by name, as { shape, data }. */
export function readSafetensors(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const body = bytes.buffer.slice(
      bytes.byteOffset + 8 + length + data_offsets[0],
      bytes.byteOffset + 8 + length + data_offsets[1],
    );
    tensors.set(name, { shape, data: new TYPES[dtype](body) });
  }
  return tensors;
}

/** Rows of ten logits to probabilities. */
export function softmax(logits) {
  const probabilities = [];
  for (let row = 0; row < logits.length; row += 10) {
    const values = Array.from(logits.slice(row, row + 10));
    const largest = Math.max(...values);
    const powers = values.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((a, b) => a + b);
    probabilities.push(...powers.map((power) => power / sum));
  }
  return probabilities;
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
