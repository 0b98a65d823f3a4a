/** onnxruntime-node as a contestant. It cannot train. */
import { load, readSafetensors, serve, softmax } from "./contestant.mjs";

await serve(async ({ task, threads, batch, onnx, input }) => {
  if (task === "train") throw new Error("it cannot train");
  const runtime = await load("onnxruntime-node");
  const ort = runtime.default ?? runtime;
  const session = await ort.InferenceSession.create(onnx, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  const feeds = { input: new ort.Tensor("float32", readSafetensors(input).get("input").data, [batch, 3, 32, 32]) };
  const run = async () => (await session.run(feeds)).logits.data;
  return { description: `onnxruntime-node ${ort.env.versions.node}`, output: softmax(await run()), run };
});
