/** tfjs's plain JavaScript backend as a contestant. */
import { load, readTask, serve } from "./contestant.mjs";
import { prepareTfjs } from "./tfjs.mjs";

await serve(async (request) => {
  if (request.threads > 1) throw new Error("its plain JavaScript backend has one thread");
  if (request.task === "train" && request.batch > 4) throw new Error("a step of more than 4 pictures takes it minutes");
  const tf = await load("@tensorflow/tfjs");
  await tf.setBackend("cpu");
  await tf.ready();
  return prepareTfjs(tf, readTask(request));
});
