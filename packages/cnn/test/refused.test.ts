import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("support/refused.mjs", import.meta.url));

interface Outcome {
  readonly threads?: number;
  readonly backend?: string;
  /** The predictor had what training had. */
  readonly same?: boolean;
  /** What was said while training, and while classifying. */
  readonly trained?: readonly string[];
  readonly predicted?: readonly string[];
  readonly digest?: string;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
}

/** This Node, and those that CIFAR_OTHER_NODES names, separated by colons. */
const NODES = [process.execPath, ...(process.env["CIFAR_OTHER_NODES"] ?? "").split(":")]
  .filter((path) => path !== "" && existsSync(path))
  .map((node) => {
    const version = execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" });
    return { node, major: Number.parseInt(version, 10) };
  });

interface Circumstance {
  readonly node: string;
  /** Options of Node. */
  readonly flags?: readonly string[];
  /** The program before Node, such as one that limits it. */
  readonly within?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

function run({ node, flags = [], within = [], env = process.env }: Circumstance, options: object): Outcome {
  const [command, ...words] = [...within, node, ...flags, program, JSON.stringify(options)];
  const { stdout, stderr, status, signal } = spawnSync(command!, words, { encoding: "utf8", timeout: 60_000, env });
  if (status !== 0) throw new Error(`ended with ${status ?? signal}: ${stderr}`);
  return JSON.parse(stdout) as Outcome;
}

/** One thread and one line of this reason, for training and for classifying alike. */
function onOneThread(reason: string | RegExp, backend = "wasm") {
  const line =
    typeof reason === "string"
      ? `backend ${backend} computes on one thread, not on 2: ${reason}`
      : expect.stringMatching(reason);
  const started: unknown = expect.stringMatching(`^${backend} \\(`);
  return { threads: 1, backend: started, same: true, trained: [line], predicted: [line] };
}

/** Leaves a process so much address space. */
const limited = (gigabytes: number): string[] => ["bash", "-c", `ulimit -v ${gigabytes * 1e6} && exec "$0" "$@"`];

const onLinux = process.platform === "linux";
/** A user without a name, a home and other processes. Root is not held to a number of processes. */
const asNobody = ["setpriv", "--reuid", `${50_000 + (process.pid % 10_000)}`, "--regid", "65534", "--clear-groups"];
const canBeNobody =
  onLinux &&
  process.getuid?.() === 0 &&
  spawnSync(asNobody[0]!, [...asNobody.slice(1), "cat", program], { stdio: "ignore" }).status === 0;
const noNobody = canBeNobody ? "" : " (skipped: not root on Linux, or another user cannot read this folder)";

describe.each(NODES)("in Node $major", ({ node, major }) => {
  const permission = major < 22 ? "--experimental-permission" : "--permission";

  it("nothing is said where nothing is refused", () => {
    const { digest, ...outcome } = run({ node }, { threads: 2 });
    expect(outcome).toMatchObject({ threads: 2, same: true, trained: [], predicted: [] });
    expect(run({ node }, { threads: 1 }).digest).toBe(digest);
  });

  it("the permission model refuses threads: one computes, with a notice that names the option", () => {
    const flags = [permission, "--allow-fs-read=*", "--no-warnings"];
    const reason = "Node's permission model refuses threads, --allow-worker grants them";
    expect(run({ node, flags }, { threads: 2 })).toMatchObject(onOneThread(reason));
    expect(run({ node, flags: [...flags, "--allow-worker"] }, { threads: 2 })).toMatchObject({
      threads: 2,
      trained: [],
    });
  });

  it("without WebAssembly backend reference serves, with one notice", () => {
    const line = expect.stringMatching(
      /^backend reference \(plain TypeScript, slow\) is used: this JavaScript engine has no WebAssembly/,
    );
    const outcome = run({ node, flags: ["--jitless"] }, { threads: 2 });
    expect(outcome).toMatchObject({ threads: 1, same: true, trained: [line], predicted: [line] });
    expect(outcome.backend).toMatch(/^reference /);
    expect(run({ node, flags: ["--jitless"] }, { backend: "wasm" })).toMatchObject({
      name: "CnnError",
      code: "BACKEND_UNAVAILABLE",
      message: expect.stringMatching(/^backend wasm: this JavaScript engine has no WebAssembly/),
    });
  });

  it("code from strings may be forbidden: nothing is made of any", () => {
    const flags = ["--disallow-code-generation-from-strings"];
    expect(run({ node, flags }, { threads: 2 })).toMatchObject({ threads: 2, same: true, trained: [] });
  });

  describe.skipIf(!onLinux)(`with little address space${onLinux ? "" : " (skipped: not on Linux)"}`, () => {
    const checked = ["--disable-wasm-trap-handler"];

    // Node 24 makes a memory of what there is.
    it.skipIf(major >= 24)("backend reference serves, with one notice that names the remedy", () => {
      const within = limited(4);
      const line = expect.stringMatching(
        /^backend reference \(plain TypeScript, slow\) is used: .+ no room .+--disable-wasm-trap-handler .+ulimit -v/,
      );
      const outcome = run({ node, within }, { threads: 2 });
      expect(outcome).toMatchObject({ threads: 1, same: true, trained: [line], predicted: [line] });
      expect(outcome.backend).toMatch(/^reference /);
      expect(run({ node, within }, { backend: "wasm" })).toMatchObject({
        name: "CnnError",
        code: "BACKEND_UNAVAILABLE",
        message: expect.stringMatching(/^backend wasm: .+ no room .+--disable-wasm-trap-handler/),
      });
    });

    it("that remedy helps, and threads have no room where V8 would end the process", () => {
      const reason = /^backend wasm computes on one thread, not on 2: .+ulimit -v/;
      const outcome = run({ node, flags: checked, within: limited(2.7) }, { threads: 2 });
      expect(outcome).toMatchObject(onOneThread(reason));
      expect(outcome.digest).toBe(run({ node }, { threads: 2 }).digest);
    });

    it.each([1.3, 1.9, 2.5, 3.5])("%d GB of it are enough for something", (gigabytes) => {
      const within = limited(gigabytes);
      expect(run({ node, flags: checked, within }, { threads: 2 })).toHaveProperty("digest");
    });
  });

  it.skipIf(!canBeNobody)(`no thread can be started: one computes, with a notice${noNobody}`, () => {
    const flags = ["--import", fileURLToPath(new URL("support/no-more-threads.mjs", import.meta.url))];
    const reason = /^backend wasm computes on one thread, not on 2: the system starts no more threads \(ulimit -u\)/;
    expect(run({ node, flags, within: asNobody }, { threads: 2 })).toMatchObject(onOneThread(reason));
  });

  it.skipIf(!canBeNobody)(`a user without a name and a home can be served${noNobody}`, () => {
    expect(run({ node, within: asNobody, env: {} }, { threads: 2 })).toMatchObject({
      threads: 2,
      same: true,
      trained: [],
    });
  });
});
