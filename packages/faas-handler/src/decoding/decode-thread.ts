import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { CifarError, checkPicture, decodeChecked, toInput } from "@cifar/cifar/picture";
import { exposeCollector } from "./collector.js";
import type { ThreadAnswer, ThreadData, ThreadTask } from "./thread-protocol.js";

/* What the thread runs that costly pictures are decoded in: one after the other, as they come. */

/** What is smaller is left to V8, which is quick with it. */
const LARGE = 2 ** 22;

const { maxPixels, collects } = workerData as ThreadData;
const collect = collects ? exposeCollector() : undefined;
const port = parentPort as MessagePort;

port.on("message", ({ file, side }: ThreadTask) => {
  const [answer, bytes] = work(file, side);
  port.postMessage(answer);
  // V8 itself waits until there are 64 MB outside its heap, which is half of all that the function has.
  if (bytes > LARGE) collect?.();
});
port.postMessage({ kind: "ready" } satisfies ThreadAnswer);

/** Decodes one file; says also how much memory that took, which is garbage now. */
function work(file: Uint8Array, side: number): [ThreadAnswer, number] {
  let bytes = 0;
  try {
    const picture = checkPicture(file, { maxPixels });
    bytes = picture.cost.bytes;
    return [{ kind: "pixels", pixels: toInput(decodeChecked(picture), side) }, bytes];
  } catch (thrown) {
    // An error loses its code on the way between threads.
    if (thrown instanceof CifarError) return [{ kind: "refused", code: thrown.code, message: thrown.message }, bytes];
    throw thrown;
  }
}
