// A thread that asks the function for its health every 20 ms and tells of every answer: how long it took, and how much too
// late this thread itself was woken before, in milliseconds: on a busy machine every figure is that uncertain.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

const INTERVAL = 20;
const { port, patience } = workerData;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function ask() {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path: "/_/health", agent, timeout: patience }, (response) => {
      response
        .resume()
        .on("end", () => resolve(response.statusCode === 200 ? "answered" : `status ${response.statusCode}`));
    });
    asked.on("timeout", () => {
      asked.destroy();
      resolve("silent");
    });
    asked.on("error", (error) => resolve(error.code ?? error.message));
    asked.end();
  });
}

for (let late = 0; ; ) {
  const begun = performance.now();
  const result = await ask();
  const took = performance.now() - begun;
  parentPort.postMessage({ result, took, late });
  const due = Math.max(performance.now(), begun + INTERVAL);
  await sleep(due - performance.now());
  late = performance.now() - due;
}
