// The function under attack: as a container, or as a process in a control group. It is started anew after each death.
import { execFile, spawn } from "node:child_process";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { makeGroup, memoryFolderOf, readMemory } from "./groups.mjs";

const execute = promisify(execFile);
const LIMITS = { bytes: 128 * 2 ** 20, cores: 0.5 };

/** How long the start may take, and how long the function has for what it does in its first seconds, in milliseconds. */
const START_PATIENCE = 60_000;
const SETTLING = 5000;

/**
 * @param how `image` and podman's `flags`, or `node`, `runtime` and `model`
 * @param ports of the function, and of the watchdog's stand-in where `watchdog` is set
 */
export function createTarget(how, ports) {
  return new Target(how.image === undefined ? inGroup(how, ports) : inContainer(how, ports), ports.function);
}

class Target {
  #way;
  #port;
  #folder;
  #peak = 0;
  /** Kills for memory in the lives before, and in this one. */
  #kills = { before: 0, now: 0 };

  constructor(way, port) {
    this.#way = way;
    this.#port = port;
  }

  /** Starts it, and waits until it answers and has settled. */
  async start() {
    this.#folder = memoryFolderOf(await this.#way.start());
    const end = performance.now() + START_PATIENCE;
    while (!(await isReady(this.#port))) {
      if (performance.now() > end || (await this.ended()) !== undefined) {
        throw new Error(
          `the function does not start: ${(await this.ended()) ?? "no answer"}\n${await this.#way.logs()}`,
        );
      }
      await sleep(100);
    }
    await sleep(SETTLING);
  }

  /** Takes note of the memory: once the group is gone, nobody knows any more. */
  watch() {
    const now = readMemory(this.#folder);
    if (now === undefined) return;
    this.#peak = Math.max(this.#peak, now.peak);
    this.#kills.now = now.kills;
  }

  /** Of all lives. */
  get memory() {
    return { peak: this.#peak, kills: this.#kills.before + this.#kills.now };
  }

  /** How it ended, in a few words; undefined while it lives. */
  ended() {
    return this.#way.ended();
  }

  async stop() {
    this.watch();
    await this.#way.stop();
    this.#kills = { before: this.#kills.before + this.#kills.now, now: 0 };
  }
}

function isReady(port) {
  return new Promise((resolve) => {
    request({ host: "127.0.0.1", port, path: "/_/ready", timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on("timeout", function giveUp() {
        this.destroy();
      })
      .on("error", () => resolve(false))
      .end();
  });
}

function inContainer({ image, flags, watchdog }, ports) {
  const podman = async (...words) =>
    (await execute("podman", ["--storage-driver", "overlay", "--runtime", "runc", ...words])).stdout.trim();
  const environment = {
    http_port: ports.function,
    upstream_url: `http://127.0.0.1:${ports.function}`,
    port: ports.watchdog,
  };
  const variables = Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const command = watchdog ? [] : ["node", "/home/app/runtime/index.js"];
  let container;
  return {
    async start() {
      container = await podman("run", "--detach", ...flags, ...variables, image, ...command);
      return podman("inspect", "--format", "{{.State.Pid}}", container);
    },
    async ended() {
      const state = await podman("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", container);
      return state.startsWith("running") ? undefined : state;
    },
    logs: () => podman("logs", "--tail", "5", container),
    stop: () => podman("rm", "--force", "--time", "0", container),
  };
}

function inGroup({ node, runtime, model }, ports) {
  let child;
  let group;
  let end;
  let lines = "";
  return {
    async start() {
      group = makeGroup(`attack-${process.pid}`, LIMITS);
      const enter = group.entrances.map((file) => `echo $$ > ${file}`).join(" && ");
      const environment = {
        PATH: process.env.PATH,
        NODE_ENV: "production",
        model_path: model,
        http_port: ports.function,
      };
      child = spawn("sh", ["-c", `${enter} && exec "$0" "$1"`, node, `${runtime}/index.js`], {
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
      });
      end = undefined;
      lines = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => {
          lines = (lines + text).slice(-2000);
        });
      }
      child.once("exit", (code, signal) => {
        end = `exited ${code ?? signal}`;
      });
      await sleep(200);
      return child.pid;
    },
    ended: async () => end,
    logs: async () => lines,
    async stop() {
      child.kill("SIGKILL");
      while (end === undefined) await sleep(20);
      await sleep(100);
      group.remove();
    },
  };
}
