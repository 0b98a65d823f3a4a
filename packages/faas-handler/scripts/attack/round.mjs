// One round: all bodies, so many at once, while the function's health is watched.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";

/** How long a body is waited for; a function whose health is silent for as long as the second is ended. In milliseconds. */
const PATIENCE = 35_000;
const HEALTH_PATIENCE = 10_000;

/** What a client would say of a body. */
function typeOf({ name, bytes }) {
  if (name.endsWith(".json")) return "application/json";
  if (name.endsWith(".multipart")) return "multipart/form-data; boundary=attack";
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  return bytes.subarray(1, 4).toString("latin1") === "PNG" ? "image/png" : "application/octet-stream";
}

export class Round {
  #target;
  #ports;
  #bodies;
  #connections;
  #agent;
  /** Names of the bodies that are being answered. */
  #flying = new Set();
  #mending;
  #result = {
    statuses: {},
    slowest: { name: "", took: 0 },
    delay: { took: 0, during: "" },
    late: 0,
    deaths: [],
  };

  constructor({ target, ports, bodies, connections }) {
    this.#target = target;
    this.#ports = ports;
    this.#bodies = bodies;
    this.#connections = connections;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  async run() {
    const probe = new Worker(new URL("./probe.mjs", import.meta.url), {
      workerData: { port: this.#ports.health, patience: HEALTH_PATIENCE },
    });
    probe.on("message", (message) => this.#judge(message));
    const watching = setInterval(() => this.#target.watch(), 50);
    const queue = this.#bodies.values();
    const connection = async () => {
      for (const body of queue) {
        await this.#mending;
        await this.#throw(body);
      }
    };
    await Promise.all(Array.from({ length: this.#connections }, connection));
    // The last answer to a health check that still waits.
    await sleep(100);
    await this.#mending;
    clearInterval(watching);
    await probe.terminate();
    this.#agent.destroy();
    this.#target.watch();
    return this.#result;
  }

  async #throw(body) {
    const { statuses, slowest } = this.#result;
    this.#flying.add(body.name);
    const begun = performance.now();
    const status = await this.#answerTo(body);
    const took = performance.now() - begun;
    this.#flying.delete(body.name);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (took > slowest.took) Object.assign(slowest, { name: body.name, took });
    if (typeof status === "string") await this.#mend(`no answer (${status})`, body.name);
  }

  #answerTo(body) {
    return new Promise((resolve) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port: this.#ports.thrown,
          method: "POST",
          agent: this.#agent,
          timeout: PATIENCE,
          // As the watchdog passes them on.
          headers: { "content-type": typeOf(body), "transfer-encoding": "chunked" },
        },
        (response) => {
          response.resume().on("close", () => resolve(response.complete ? response.statusCode : "cut"));
        },
      );
      sent.on("timeout", () => {
        sent.destroy();
        resolve("time-out");
      });
      sent.on("error", (error) => resolve(error.code ?? error.message));
      sent.end(body.bytes);
    });
  }

  #judge({ result, took, late }) {
    this.#result.late = Math.max(this.#result.late, late);
    if (this.#mending !== undefined) return;
    const { delay } = this.#result;
    if (took > delay.took) Object.assign(delay, { took, during: [...this.#flying].join(" ") });
    if (result === "silent")
      void this.#mend(`no health for ${HEALTH_PATIENCE / 1000} s`, [...this.#flying].join(" "), true);
    else if (result !== "answered") void this.#mend(`health: ${result}`, [...this.#flying].join(" "));
  }

  /** Starts the function anew if it has died, or has to be ended. */
  #mend(reason, during, end = false) {
    this.#mending ??= this.#revive(reason, during, end).finally(() => {
      this.#mending = undefined;
    });
    return this.#mending;
  }

  async #revive(reason, during, end) {
    // A process that was ended for memory takes a moment to be gone.
    await sleep(300);
    this.#target.watch();
    const ended = await this.#target.ended();
    if (ended === undefined && !end) return;
    this.#result.deaths.push({ how: ended ?? `${reason}, ended`, during });
    await this.#target.stop();
    await this.#target.start();
  }
}
