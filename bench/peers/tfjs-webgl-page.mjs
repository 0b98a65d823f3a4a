/** tfjs's WebGL backend as a contestant in a page: see bench/src/agents/chromium.ts. */
import * as tf from "@tensorflow/tfjs";
import { setWebGLContext } from "@tensorflow/tfjs-backend-webgl";
import { parseSafetensors } from "./safetensors.mjs";
import { prepareTfjs } from "./tfjs.mjs";

let prepared;

export async function prepare({ task }) {
  // By itself tfjs takes no context that is rendered in software, and goes on on the CPU without a word.
  const context = new OffscreenCanvas(1, 1).getContext("webgl2", { alpha: false, antialias: false, depth: false });
  if (context === null) throw new Error("this browser has no WebGL2");
  setWebGLContext(2, context);
  if (!(await tf.setBackend("webgl"))) throw new Error("its WebGL backend does not run here");
  prepared = await prepareTfjs(tf, {
    task,
    weights: await fetchTensors("/weights"),
    input: await fetchTensors("/input"),
  });
  return { description: prepared.description, output: prepared.output };
}

export async function run(iterations) {
  const milliseconds = [];
  for (let i = 0; i < iterations; i++) {
    const start = performance.now();
    await prepared.run();
    milliseconds.push(performance.now() - start);
  }
  return milliseconds;
}

async function fetchTensors(path) {
  return parseSafetensors(new Uint8Array(await (await fetch(path)).arrayBuffer()));
}
