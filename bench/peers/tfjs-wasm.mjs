/** tfjs's WebAssembly backend as a contestant: SIMD, and one thread, as its threads need a browser. */
import { load, readTask, serve } from "./contestant.mjs";
import { prepareTfjs } from "./tfjs.mjs";

await serve(async (request) => {
  if (request.threads > 1) throw new Error("its WebAssembly backend has one thread in Node");
  const tf = await load("@tensorflow/tfjs");
  await load("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend("wasm");
  await tf.ready();
  return prepareTfjs(tf, readTask(request));
});
