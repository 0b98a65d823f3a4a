import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
// Threads run built code: a worker of Node 20 cannot load TypeScript.
import { cifarCnn, createPredictor, evaluate, fit } from "@cifar/cnn";
import { createWasmBackend } from "@cifar/tensor";
import { afterEach, describe, expect, it } from "vitest";
import { TOY_NORMALISATION } from "./support/toys.js";

const program = fileURLToPath(new URL("support/determinism.mjs", import.meta.url));

/** Weights of 100 steps of that program. Whoever changes what is computed, or in which order, changes this on purpose. */
const DIGEST = "b1b69a86923d8dae676ca70c14bba1c92fa2ccfe6e520df7358301b1ead23220";

/** Of 5 steps on backend reference, which makes bytes of its own. */
const REFERENCE_DIGEST = "980510e8fa7bd7e2a29988d1c3194d9202b50e48d73111b6dd00fb3a22878a61";

interface Outcome {
  readonly digest: string;
  readonly threads: number;
  readonly enabled: boolean;
  readonly node: string;
}

function train(
  threads: number,
  options: { node?: string; revectorize?: string; more?: readonly string[] } = {},
): Outcome {
  const { node = process.execPath, revectorize = "", more = [] } = options;
  const output = execFileSync(node, [program, `${threads}`, ...more], {
    encoding: "utf8",
    env: { ...process.env, CIFAR_REVECTORIZE: revectorize },
  });
  return JSON.parse(output) as Outcome;
}

/** Other Nodes to hold against this one, separated by colons. */
const otherNodes = (process.env["CIFAR_OTHER_NODES"] ?? "")
  .split(":")
  .filter((path) => path !== "" && existsSync(path));

describe("a run of 100 steps gives the same bytes of weights", () => {
  it.each([1, 2, 4])("on %i threads", (threads) => {
    expect(train(threads)).toMatchObject({ digest: DIGEST, threads });
  });

  it("on backend reference, its own, in every Node", () => {
    for (const node of [process.execPath, ...otherNodes]) {
      expect(train(1, { node, more: ["reference", "1"] })).toMatchObject({ digest: REFERENCE_DIGEST });
    }
  });

  it.skipIf(otherNodes.length === 0)(
    "in other Nodes, re-vectorised or not (skipped unless CIFAR_OTHER_NODES names some)",
    () => {
      for (const node of otherNodes) {
        const wide = train(2, { node });
        expect(wide.node).not.toBe(process.version);
        expect(wide).toMatchObject({ digest: DIGEST });
        expect(train(1, { node, revectorize: "0" })).toMatchObject({ digest: DIGEST, enabled: false });
      }
    },
    180_000,
  );
});

/** Noise in the network's format: what is computed does not matter here. */
function noise(count: number) {
  const images = Uint8Array.from({ length: count * 3072 }, (_, i) => (i * 7919) % 251);
  const classes = Array.from({ length: 10 }, (_, index) => `${index}`);
  const shape: [number, number, number] = [32, 32, 3];
  return { name: "noise", images, labels: new Uint8Array(count).fill(1), shape, classes, count };
}

const workers: Worker[] = [];
const remember = (worker: Worker) => workers.push(worker);

describe("threads", () => {
  afterEach(() => {
    process.off("worker", remember);
    workers.length = 0;
  });

  const options = { epochs: 50, batchSize: 64, optimiser: { learningRate: 0.01 }, normalisation: TOY_NORMALISATION };

  it("end the run with a clear error when one of them dies, instead of hanging", async () => {
    process.on("worker", remember);
    const run = async () => {
      for await (const event of fit(cifarCnn(), { train: noise(128) }, { ...options, threads: 3 })) {
        if (event.type === "step" && event.step === 2) await workers[0]!.terminate();
      }
    };
    await expect(run()).rejects.toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/^thread 1 of 3 has ended: it exited with code 1$/),
    });
    expect(workers).toHaveLength(2);
  });

  it("are gone after the run, however it ended", async () => {
    process.on("worker", remember);
    for await (const event of fit(cifarCnn(), { train: noise(128) }, { ...options, threads: 2 })) {
      if (event.type !== "step") continue;
      // Node tells of a new worker only when promises have had their turn.
      await new Promise((resolve) => setImmediate(resolve));
      break;
    }
    expect(workers).toHaveLength(1);
    // A worker that has ended has no thread id any more.
    await expect.poll(() => workers[0]!.threadId).toBe(-1);
  });

  it("let the process end even if nobody closes them", () => {
    const source = `
      import { cifarCnn, createPredictor } from "@cifar/cnn";
      const predictor = await createPredictor(cifarCnn(), {
        normalisation: { mean: [0, 0, 0], deviation: [1, 1, 1] },
        classes: [..."abcdefghij"], threads: 2, batchSize: 16,
      });
      await predictor.predict(new Uint8Array(16 * 3072));
      console.log(predictor.threads);`;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      encoding: "utf8",
      timeout: 20_000,
    });
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: "2" });
  });

  it("predict and evaluate as one thread does", async () => {
    const model = cifarCnn();
    const data = noise(50);
    const common = { normalisation: TOY_NORMALISATION, classes: data.classes, batchSize: 32 };
    const answers: Float32Array[] = [];
    for (const threads of [1, 2]) {
      const predictor = await createPredictor(model, { ...common, threads });
      expect(predictor.threads).toBe(threads);
      answers.push(await predictor.predict(data.images));
      predictor.close();
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(await evaluate(model, data, { ...common, threads: 2 })).toEqual(
      await evaluate(model, data, { ...common, threads: 1 }),
    );
  });

  it("are as many as there are shards at most", async () => {
    const predictor = await createPredictor(cifarCnn(), {
      normalisation: TOY_NORMALISATION,
      classes: noise(1).classes,
      threads: 4,
    });
    expect(predictor.threads).toBe(1);
    predictor.close();
  });

  it("are announced to be one on a memory that is not shared", async () => {
    const lines: string[] = [];
    const backend = createWasmBackend();
    const onNotice = (line: string) => lines.push(line);
    const events = fit(cifarCnn(), { train: noise(64) }, { ...options, backend, threads: 2, onNotice });
    expect((await events.next()).value).toMatchObject({ type: "start", threads: 1 });
    await events.return({ steps: 0, stopped: true, seconds: 0 });
    expect(lines).toEqual(["backend wasm computes on one thread, not on 2: its memory is not shared"]);
  });
});
