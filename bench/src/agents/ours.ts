/** @cifar/cnn in Node as a contestant; see protocol.ts. `--backend NAME` chooses the backend, `gpu:MODE` a mode of gpu.js. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { enableRevectorization } from "@cifar/tensor/node";
import { prepareNetwork } from "./network.js";
import { repeat } from "./repeat.js";
import { serve } from "./serve.js";

const { values } = parseArgs({ options: { backend: { type: "string", default: "wasm" } } });
enableRevectorization();

await serve(async ({ task, batch, threads, weights, input }) => {
  const files = { weights: await readFile(weights), input: await readFile(input) };
  const { description, output, run } = await prepareNetwork({
    task,
    batch,
    threads,
    backend: values.backend,
    ...files,
  });
  const name = `@cifar/cnn ${description}, Node ${process.version}`;
  return { description: name, output, run: (iterations) => repeat(iterations, run) };
});
process.exit(0);
