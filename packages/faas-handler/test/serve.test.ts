import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { conv2d, flatten, linear, Sequential } from "@cifar/cnn";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isFree } from "../src/free-port.ts";
import { whyNoWatchdog } from "../src/serve-behind.ts";
import { type FunctionFolder, makeFunctionFolder } from "./support/model-file.ts";

const COMMAND = fileURLToPath(new URL("../bin/cifar-serve.js", import.meta.url));
const STAND_IN = fileURLToPath(new URL("support/fwatchdog.mjs", import.meta.url));

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

/** The real watchdog, in a test beside this one, has it for a while. */
async function metricsPortFree(): Promise<void> {
  while (!(await isFree(8081))) {
    await sleep(50);
  }
}

function network(seed: number): Sequential {
  return new Sequential({
    input: [32, 32, 3],
    layers: [conv2d({ filters: 2, kernel: 3, stride: 4 }), flatten(), linear({ outputs: 10 })],
  }).initialise({ method: "pytorch", seed });
}

interface Command {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<number>;
  /** The first line with this in it. */
  line(text: string): Promise<string>;
}

function run(words: readonly string[], cwd?: string): Command {
  const child = spawn(process.execPath, [COMMAND, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => lines.push(line));
  }
  const ended = once(child, "exit").then(([code]) => code as number);
  return {
    child,
    lines,
    ended,
    async line(text) {
      for (;;) {
        const found = lines.find((line) => line.includes(text));
        if (found !== undefined) {
          return found;
        }
        if (child.exitCode !== null) {
          throw new Error(`ended without saying "${text}":\n${lines.join("\n")}`);
        }
        await sleep(10);
      }
    },
  };
}

describe("cifar serve", () => {
  let folder: FunctionFolder;
  let command: Command | undefined;

  beforeEach(() => {
    folder = makeFunctionFolder(network(1));
  });
  afterEach(async () => {
    command?.child.kill("SIGTERM");
    await command?.ended;
    command = undefined;
    folder.remove();
  });

  async function url(started: Command): Promise<string> {
    return /http:\S+/.exec(await started.line("Serving"))![0];
  }

  it("says that it serves when it does: the model is loaded and answers", async () => {
    command = run(["--port", "0", "--no-watchdog", "--model", folder.path]);
    expect((await fetch(`${await url(command)}/_/ready`)).status).toBe(200);
  });

  it.skipIf(!HAS_IPV6)(
    `names an IPv6 address in brackets${HAS_IPV6 ? "" : " (skipped: there is no ::1)"}`,
    async () => {
      command = run(["--port", "0", "--host", "::1", "--model", folder.path]);
      const at = await url(command);
      expect(at).toMatch(/^http:\/\/\[::1\]:\d+$/);
      expect((await fetch(`${at}/_/health`)).status).toBe(200);
    },
  );

  it("serves the model of the folder that it is started in, and ends cleanly with Ctrl-C", async () => {
    command = run(["--port", "0", "--no-watchdog"], folder.path);
    expect(await (await fetch(`${await url(command)}/accuracy`)).json()).toEqual({ accuracy: null });
    command.child.kill("SIGINT");
    expect(await command.ended).toBe(0);
  });

  it("takes up a model and hooks that change, and keeps the old ones where the new cannot be loaded", async () => {
    command = run(["--port", "0", "--no-watchdog", "--watch", "--model", folder.path]);
    const at = await url(command);
    const card = async (): Promise<Record<string, unknown>> => (await fetch(at)).json();
    const first = await card();
    const other = makeFunctionFolder(network(2));
    const beside = join(folder.path, "next");
    copyFileSync(other.modelPath, beside);
    renameSync(beside, folder.modelPath);
    while ((await card())["digest"] === first["digest"]) {
      await sleep(20);
    }
    writeFileSync(join(folder.path, "handler.js"), "export const after = (value) => ({ ...value, hooked: true });\n");
    while ((await card())["hooked"] !== true) {
      await sleep(20);
    }
    writeFileSync(join(folder.path, "handler.js"), "export const after = 7;\n");
    expect(await command.line("not taken up")).toContain("must be a function");
    expect(await card()).toMatchObject({ hooked: true });
    other.remove();
  });

  it.each([
    ["a model file that is none", "model.safetensors", "hello", /^cifar serve: .*model\.safetensors/],
    ["a handler.js that cannot be read", "handler.js", "export function (", /^cifar serve: .*handler\.js: /],
  ])("ends with one line where it finds %s", async (_what, name, text, said) => {
    writeFileSync(join(folder.path, name), text);
    command = run(["--port", "0", "--no-watchdog", "--model", folder.path]);
    expect(await command.ended).toBe(1);
    expect(await command.line("cifar serve:")).toMatch(said);
    expect(command.lines).toHaveLength(1);
  });

  it("puts a watchdog in front, with the function behind it", async () => {
    await metricsPortFree();
    command = run(["--port", "0", "--watchdog", STAND_IN, "--model", folder.modelPath]);
    const at = await url(command);
    await command.line('"message":"ready"');
    expect(command.lines.filter((line) => line.startsWith("Serving"))).toHaveLength(1);
    expect(await (await fetch(`${at}/accuracy`)).json()).toEqual({ accuracy: null });
    expect((await fetch(`${at}/_/ready`)).status).toBe(200);
    command.child.kill("SIGTERM");
    expect(await command.ended).toBe(0);
    expect(command.lines.some((line) => line.includes('"message":"draining"'))).toBe(true);
  });

  it("serves a folder with spaces in its name behind a watchdog, which splits its command at them", async () => {
    const spaced = join(folder.path, "my own  function");
    mkdirSync(spaced);
    copyFileSync(folder.modelPath, join(spaced, "model.safetensors"));
    writeFileSync(join(spaced, "handler.js"), "export const after = (value) => ({ ...value, spaced: true });\n");
    await metricsPortFree();
    command = run(["--port", "0", "--watchdog", STAND_IN, "--watch", "--model", spaced]);
    const at = await url(command);
    expect(await (await fetch(`${at}/accuracy`)).json()).toEqual({ accuracy: null, spaced: true });
    writeFileSync(join(spaced, "handler.js"), "export const after = (value) => ({ ...value, spaced: 2 });\n");
    while ((await (await fetch(`${at}/accuracy`)).json()).spaced !== 2) {
      await sleep(20);
    }
  });

  it("serves without a watchdog where another one has the port of its metrics, and says so", async () => {
    const other = createServer().listen(8081);
    await Promise.race([once(other, "listening"), once(other, "error")]).catch(() => undefined); // taken: as well
    command = run(["--port", "0", "--watchdog", STAND_IN, "--model", folder.path]);
    expect(await command.line("cifar serve:")).toBe(
      "cifar serve: no watchdog is put in front: its metrics need port 8081, which is in use already, by another watchdog perhaps",
    );
    expect(await command.line("Serving")).not.toContain("behind");
    expect((await fetch(`${await url(command)}/accuracy`)).status).toBe(200);
    other.close();
    expect(await whyNoWatchdog(8081)).toBe("its metrics take port 8081 themselves");
  });

  it("ends with one line where the watchdog's port is taken", async () => {
    command = run(["--port", "0", "--no-watchdog", "--model", folder.path]);
    const { port } = new URL(await url(command));
    await metricsPortFree();
    const second = run(["--port", port, "--watchdog", STAND_IN, "--model", folder.path]);
    expect(await second.ended).toBe(1);
    expect(second.lines).toEqual([expect.stringContaining(`port ${port} is in use already`)]);
  });

  it("ends with one line where its port is taken, and says how to name another", async () => {
    command = run(["--port", "0", "--no-watchdog", "--model", folder.path]);
    const { port } = new URL(await url(command));
    const second = run(["--port", port, "--no-watchdog", "--model", folder.path]);
    expect(await second.ended).toBe(1);
    expect(second.lines).toEqual([
      `cifar serve: port ${port} is in use already; name another with --port, or 0 for a free one`,
    ]);
  });

  it("says in one line what is wrong, with an exit code for it", async () => {
    const cases: [string[], number, RegExp][] = [
      [["--model", join(folder.path, "nothing")], 3, /^cifar serve: --model must name a model file/],
      [["--port", "many", "--model", folder.modelPath], 3, /^cifar serve: --port must be a whole number/],
      [["--host", "::1", "--watchdog", STAND_IN], 2, /^cifar serve: --host and --watchdog exclude each other/],
      [["--loud"], 2, /^cifar serve: Unknown option '--loud'/],
    ];
    for (const [words, code, said] of cases) {
      const failed = run(words);
      expect(await failed.ended).toBe(code);
      expect(failed.lines).toEqual([expect.stringMatching(said)]);
    }
    const help = run(["--help"]);
    expect(await help.ended).toBe(0);
    expect(help.lines[0]).toContain("cifar serve");
  });
});
