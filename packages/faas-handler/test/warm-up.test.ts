import { conv2d, createPredictor, flatten, linear, Sequential } from "@cifar/cnn";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Classifier } from "../src/classifier.ts";
import { readConfig } from "../src/config.ts";
import { loadClassifier } from "../src/model.ts";
import { Pacer, settle } from "../src/warm-up.ts";
import { type FunctionFolder, makeFunctionFolder } from "./support/model-file.ts";

/** Gives these times one after the other, then the last of them for ever. */
function trialOf(times: readonly number[]): (() => Promise<number>) & { runs: number } {
  const trial = async (): Promise<number> => times[Math.min(trial.runs++, times.length - 1)]!;
  trial.runs = 0;
  return trial;
}

/** As V8 makes a network faster: function by function, each run a little less than the one before, down to `best`. */
function falling(from: number, best: number): number[] {
  const times: number[] = [];
  for (let ms = from; ms > best; ms *= 0.93) times.push(ms);
  return [...times, best];
}

describe("how fast a network is", () => {
  it("is said when its times have stopped falling, not by its first runs", async () => {
    // What was measured at half a core: a batch that has run once against a single picture that was optimised already.
    const [alone, together] = [trialOf(falling(9, 6.2)), trialOf([242, ...falling(25, 7.8)])];
    expect(await settle([alone, together])).toEqual([6.2, 7.8]);
    // All of them run equally often, so that V8 has seen as much of each.
    expect(alone.runs).toBe(together.runs);
    expect(together.runs).toBeGreaterThan(falling(25, 7.8).length + 5);
  });

  it("does not depend on single runs that were interrupted, or that a clock made short", async () => {
    const noisy = Array.from({ length: 40 }, (_, run) => (run % 4 === 0 ? 8 : 8 + 50 * ((run * 7) % 5)));
    expect(await settle([trialOf(noisy)])).toEqual([8]);
    expect(await settle([trialOf([0.1, ...noisy])])).toEqual([8]);
  });

  it("is not said where it never settles, or is not wanted any more", async () => {
    expect(await settle([trialOf([5]), trialOf(falling(1e20, 1e-20))])).toBeUndefined();
    const trial = trialOf([5]);
    expect(await settle([trial], () => trial.runs < 3)).toBeUndefined();
    expect(trial.runs).toBe(3);
  });
});

describe("work in the background", () => {
  const busy = (milliseconds: number): void => {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  };

  it("rests after each step that is long enough, until it is told not to", async () => {
    const pacer = new Pacer();
    expect(pacer.breathe()).toBeUndefined();
    busy(12);
    const before = performance.now();
    await pacer.breathe();
    // Twice as long as it has worked; timers round down.
    expect(performance.now() - before).toBeGreaterThan(20);
    busy(12);
    pacer.end();
    expect(pacer.breathe()).toBeUndefined();
  });

  it("is timed without its rests", async () => {
    const pacer = new Pacer();
    const started = performance.now();
    const milliseconds = await pacer.time(async () => {
      await pacer.rest();
      await pacer.rest();
    });
    expect(milliseconds).toBeLessThan(performance.now() - started - 15);
  });
});

vi.mock("@cifar/cnn", { spy: true });

describe("a model that is loaded", () => {
  let folder: FunctionFolder;
  let classifier: Classifier | undefined;
  afterEach(async () => {
    await classifier?.close();
    folder.remove();
    vi.mocked(createPredictor).mockReset();
  });

  it("lets others have their turn after each layer until it is ready, and while it gets faster afterwards", async () => {
    const model = new Sequential({
      input: [32, 32, 3],
      layers: [conv2d({ filters: 2, kernel: 3, stride: 4 }), flatten(), linear({ outputs: 10 })],
    });
    folder = makeFunctionFolder(model.initialise({ method: "pytorch", seed: 1 }));
    const asked: { readonly batchSize: number; readonly waits: boolean; breathe(): Promise<void> | undefined }[] = [];
    const real = await vi.importActual<typeof import("@cifar/cnn")>("@cifar/cnn");
    vi.mocked(createPredictor).mockImplementation((network, options) => {
      const { breathe = () => undefined, batchSize = 1 } = options;
      asked.push({ batchSize, waits: breathe() instanceof Promise, breathe });
      return real.createPredictor(network, options);
    });
    const lines: Record<string, unknown>[] = [];
    let improved = (): void => undefined;
    const isImproved = new Promise<void>((resolve) => {
      improved = resolve;
    });
    classifier = await loadClassifier({
      config: readConfig({ model_path: folder.modelPath }),
      logger: {
        log(_level, message, fields) {
          lines.push({ message, ...fields });
          if (message.startsWith("network")) improved();
        },
      },
      tune: async (breathe) => {
        await breathe();
        return "tuned";
      },
    });
    expect(asked).toMatchObject([{ batchSize: 1, waits: true }]);
    // Once it is ready, nobody is kept waiting.
    expect(asked[0]!.breathe()).toBeUndefined();
    await isImproved;
    expect(lines.at(-1)).toMatchObject({ message: "network improved", tuned: "tuned", settled: true });
    expect(asked.map(({ batchSize }) => batchSize)).toEqual([1, 1, 8]);
    expect(asked.map(({ breathe }) => breathe())).toEqual([undefined, undefined, undefined]);
  });
});
