import { describe, expect, it } from "vitest";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint.js";
import { type Dataset, subset } from "../src/dataset.js";
import { weightsDigest } from "../src/digest.js";
import { predictBothSides } from "../src/evaluate.js";
import { fit } from "../src/fit.js";
import type { EndEvent, FitEvent, FitOptions, FitResult } from "../src/fit-options.js";
import type { Sequential } from "../src/sequential.js";
import { BACKENDS } from "./support/backends.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

const OPTIONS: FitOptions = {
  epochs: 2,
  batchSize: 20,
  optimiser: { learningRate: 0.05 },
  normalisation: TOY_NORMALISATION,
  backend: "reference",
  threads: 1,
};

const TRAIN = toyPictures({ count: 90 });

interface Run {
  readonly events: readonly FitEvent[];
  readonly result: FitResult;
  readonly digest: string;
}

async function run(
  model: Sequential,
  options: Partial<FitOptions> = {},
  data: { train: Dataset; validation?: Dataset } = { train: TRAIN },
  onEvent: (event: FitEvent) => unknown = () => {},
): Promise<Run> {
  const events: FitEvent[] = [];
  const generator = fit(model, data, { ...OPTIONS, ...options });
  for (;;) {
    const { done, value } = await generator.next();
    if (done) return { events, result: value, digest: weightsDigest(model) };
    events.push(value);
    await onEvent(value);
  }
}

describe.each(BACKENDS)("fit on backend $name", ({ name }) => {
  it("learns to tell three classes apart", async () => {
    const data = { train: toyPictures({ count: 300 }), validation: toyPictures({ count: 90, seed: 1 }) };
    const { events } = await run(toyNetwork(), { backend: name, epochs: 6 }, data);
    const last = events.findLast((event) => event.type === "epoch")!;
    expect(last.validationAccuracy).toBeGreaterThan(0.9);
    expect(last.validationLoss).toBeLessThan(0.5);
  });

  // Whoever changes what is computed, or in which order, changes this on purpose and says so.
  it("makes these weights, to the last bit", async () => {
    const expected = {
      reference: "248fc9807008b20938dd8b940f49a43cbec78eba77221e4c4eafb2813d218242",
      wasm: "e79e289e33b6d19cdefb80aa6ae2af9b4d354e1b42ed099cbc6b07e3854cc570",
    };
    const { digest } = await run(toyNetwork(), {
      backend: name,
      seed: 42,
      optimiser: { learningRate: 0.05, weightDecay: 1e-4 },
      schedule: { type: "cosine", warmup: 0.2, end: 0.05 },
      augment: { flip: "alternating", shift: 1 },
      labelSmoothing: 0.1,
      averaging: { decay: 0.9, from: 0.25 },
      clipNorm: 1,
      dropout: { start: 1, end: 0.5 },
      whitening: {},
    });
    expect(digest).toBe(expected[name]);
  });

  it("goes on from a checkpoint after any step to the same bytes", async () => {
    const options: Partial<FitOptions> = {
      backend: name,
      augment: { flip: "random", shift: 2 },
      averaging: { decay: 0.8, from: 0.5 },
      dropout: { start: 2, end: 0 },
      clipNorm: 0.5,
      whitening: { pictures: 10 },
    };
    const files: Uint8Array[] = [];
    const whole = await run(toyNetwork(), options, undefined, async (event) => {
      if (event.type === "step" || event.type === "epoch") files.push(encodeCheckpoint(await event.checkpoint()));
    });
    expect(files).toHaveLength(12);
    const trainLoss = ({ events }: Run) => events.flatMap((event) => (event.type === "epoch" ? [event.trainLoss] : []));
    for (const file of files) {
      const resume = decodeCheckpoint(file);
      const rest = await run(toyNetwork({ seed: 99 }), { ...resume.plan, backend: name, resume });
      expect(rest.digest).toBe(whole.digest);
      expect(rest.result.steps).toBe(10);
      expect(trainLoss(whole).slice(2 - trainLoss(rest).length)).toEqual(trainLoss(rest));
    }
  });
});

describe("Muon's weight decay", () => {
  /** Every parameter after one step. */
  async function afterOneStep(weightDecay: number): Promise<Map<string, Float32Array>> {
    const model = toyNetwork();
    const optimiser = { learningRate: 0.05, muon: { learningRate: 0.02, weightDecay } };
    await run(model, { epochs: 1, batchSize: TRAIN.count, optimiser });
    return new Map([...model.parameters].map(([name, { data }]) => [name, data.slice()]));
  }

  it("takes its part of every filter away, and of nothing else", async () => {
    const first = toyNetwork().parameters;
    const without = await afterOneStep(0);
    const decayed = await afterOneStep(0.5);
    for (const [name, values] of without) {
      const isFilter = name === "0.weight" || name === "4.weight";
      const away = first.get(name)!.data.map((value) => (isFilter ? 0.02 * 0.5 * value : 0));
      const largest = Math.max(
        ...values.map((value, index) => Math.abs(value - away[index]! - decayed.get(name)![index]!)),
      );
      expect(largest, name).toBeLessThan(1e-7);
    }
  });
});

describe("fit", () => {
  it("tells of start, every step, every epoch and the end", async () => {
    const { events, result } = await run(toyNetwork(), {}, { train: TRAIN, validation: subset(TRAIN, 0, 30) });
    const step = ["step", "step", "step", "step", "step", "epoch"];
    expect(events.map(({ type }) => type)).toEqual(["start", ...step, ...step, "end"]);
    expect(events[0]).toMatchObject({ steps: 10, stepsPerEpoch: 5, step: 0, parameters: 707, threads: 1 });
    expect(events[5]).toMatchObject({ step: 5, epoch: 1, learningRate: 0.05 });
    expect(events[12]).toMatchObject({ epoch: 2 });
    expect(result).toMatchObject({ steps: 10, stopped: false });
    const losses = events.slice(1, 6).flatMap((event) => (event.type === "step" ? [event.loss] : []));
    // Four batches of 20 and one of 10.
    const mean = losses.reduce((sum, loss, index) => sum + loss * (index === 4 ? 10 : 20), 0) / 90;
    expect(events[6]).toMatchObject({ trainLoss: expect.closeTo(mean, 6) });
  });

  it("classifies at its end with the finished weights, averaged ones too, until its engine is gone", async () => {
    for (const averaging of [undefined, { decay: 0.9 }]) {
      const model = toyNetwork();
      const options = { ...OPTIONS, ...(averaging && { averaging }) };
      const steps = fit(model, { train: TRAIN }, options);
      let end: EndEvent | undefined;
      for await (const event of steps) {
        if (event.type !== "end") continue;
        end = event;
        const { asItIs, mirrored } = await predictBothSides(model, TRAIN, options);
        expect(await end.predictLogits(TRAIN)).toEqual(asItIs);
        expect(await end.predictLogits(TRAIN, { mirrored: true })).toEqual(mirrored);
        const otherClasses = { ...TRAIN, classes: ["a", "b"] };
        await expect(end.predictLogits(otherClasses)).rejects.toMatchObject({ code: "SHAPE_MISMATCH" });
        await expect(end.predictLogits(TRAIN, { signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: "ABORTED",
        });
      }
      await expect(end!.predictLogits(TRAIN)).rejects.toMatchObject({ code: "CLOSED" });
    }
  });

  it("leaves out of its gradient the pictures that a last, smaller batch lacks", async () => {
    // 23 = 20 + 3: the last batch is one shard of 8 with 3 pictures, and two shards of none.
    const small = { train: subset(TRAIN, 0, 3) };
    const padded = await run(toyNetwork({ dropout: 0 }), { batchSize: 20, epochs: 3 }, small);
    const exact = await run(toyNetwork({ dropout: 0 }), { batchSize: 3, epochs: 3 }, small);
    const losses = ({ events }: Run) => events.flatMap((event) => (event.type === "step" ? [event.loss] : []));
    for (const [index, loss] of losses(exact).entries()) expect(losses(padded)[index]).toBeCloseTo(loss, 5);
  });

  it("depends on its seed and on nothing else", async () => {
    const first = await run(toyNetwork(), { seed: 7 });
    expect((await run(toyNetwork(), { seed: 7 })).digest).toBe(first.digest);
    expect((await run(toyNetwork(), { seed: 8 })).digest).not.toBe(first.digest);
  });

  it("lowers the loss of smoothed labels no further than their entropy", async () => {
    const smoothed = await run(toyNetwork(), { labelSmoothing: 0.6, epochs: 8 }, { train: TRAIN });
    const losses = smoothed.events.flatMap((event) => (event.type === "step" ? [event.loss] : []));
    // Targets of 0.6 (0.4 + 0.2), 0.2 and 0.2 have an entropy of 0.95.
    expect(Math.min(...losses)).toBeGreaterThan(0.949);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it("follows the schedule", async () => {
    const { events } = await run(toyNetwork(), { schedule: { type: "triangular", peakAt: 0.5, start: 0, end: 0.2 } });
    const rates = events.flatMap((event) => (event.type === "step" ? [event.learningRate] : []));
    expect(rates[0]).toBe(0);
    expect(rates[5]).toBeCloseTo(0.05, 12);
    expect(rates[9]).toBeCloseTo(0.05 * (1 - 0.8 * 0.8), 12);
  });

  it("keeps a moving average of the weights and hands that over", async () => {
    // Computed beside it from the weights after each step.
    const weights: Checkpoint[] = [];
    const model = toyNetwork();
    await run(model, { averaging: { decay: 0.7, from: 0.3 } }, undefined, async (event) => {
      if (event.type === "step") weights.push(await event.checkpoint());
    });
    let average = weights[2]!.parameters.get("7.weight")!.slice();
    for (const { parameters } of weights.slice(3)) {
      average = average.map((value, index) => 0.7 * value + 0.3 * parameters.get("7.weight")![index]!);
    }
    const { data } = model.parameters.get("7.weight")!;
    for (const [index, value] of data.entries()) expect(value).toBeCloseTo(average[index]!, 6);
  });

  it("scales gradients down to the norm that they are clipped to", async () => {
    const clipped = 1e-3;
    const before = toyNetwork({ dropout: 0 });
    const model = before.clone();
    const options = { epochs: 1, batchSize: 90, clipNorm: clipped, optimiser: { learningRate: 1, momentum: 0 } };
    await run(model, options);
    let squares = 0;
    for (const [name, { data }] of model.parameters) {
      for (const [index, value] of data.entries()) squares += (value - before.parameters.get(name)!.data[index]!) ** 2;
    }
    expect(Math.sqrt(squares) / clipped).toBeCloseTo(1, 2);
  });

  it("stops at once when the signal says so, with a checkpoint that goes on to the same bytes", async () => {
    const whole = await run(toyNetwork());
    const controller = new AbortController();
    const stops: Checkpoint[] = [];
    const model = toyNetwork();
    const stopped = await run(model, { signal: controller.signal }, undefined, async (event) => {
      if (event.type === "step" && event.step === 7) controller.abort();
      if (event.type === "stop") stops.push(await event.checkpoint());
    });
    expect(stopped.result).toMatchObject({ steps: 7, stopped: true });
    expect(stopped.events.at(-1)).toMatchObject({ type: "stop", step: 7, epoch: 2 });
    expect(model.parameters.get("0.bias")!.data).toEqual(stops[0]!.parameters.get("0.bias"));
    expect((await run(toyNetwork(), { resume: stops[0]! })).digest).toBe(whole.digest);
  });

  it("lets timers and signals have their turn while it computes", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await run(toyNetwork(), { epochs: 10 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it("gives no checkpoint of a moment that has passed", async () => {
    let first: FitEvent | undefined;
    await run(toyNetwork(), {}, undefined, (event) => {
      if (event.type === "step" && event.step === 1) first = event;
    });
    if (first?.type !== "step") throw new Error("there was no step");
    await expect(first.checkpoint()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("names step and layer when the loss is no number, and leaves the last good epoch in the model", async () => {
    const model = toyNetwork();
    let good = "";
    const failing = run(model, { epochs: 50, optimiser: { learningRate: 3e4 } }, undefined, (event) => {
      if (event.type === "epoch") good = weightsDigest(model);
    });
    await expect(failing).rejects.toMatchObject({
      code: "NOT_FINITE",
      message: expect.stringMatching(
        /step \d+ .*layer \d+ \((conv2d|linear|relu|maxPool2d)\)|after step \d+ parameter/,
      ),
    });
    if (good !== "") expect(weightsDigest(model)).toBe(good);
    expect([...model.parameters.values()].every(({ data }) => data.every(Number.isFinite))).toBe(true);
  });

  it("takes checkpoints only back to their own network, data and options", async () => {
    let checkpoint: Checkpoint | undefined;
    await run(toyNetwork(), { epochs: 1 }, undefined, async (event) => {
      if (event.type === "epoch") checkpoint = await event.checkpoint();
    });
    const resume = checkpoint!;
    const attempt = (options: Partial<FitOptions>, train = TRAIN, model = toyNetwork()) =>
      run(model, { epochs: 1, resume, ...options }, { train });
    await expect(attempt({ epochs: 2 })).rejects.toMatchObject({ code: "CHECKPOINT_MISMATCH", message: /epochs/ });
    await expect(attempt({ optimiser: { learningRate: 0.05, momentum: 0.8 } })).rejects.toThrow(/optimiser\.momentum/);
    await expect(attempt({ averaging: { decay: 0.9 } })).rejects.toThrow(/averaging/);
    await expect(attempt({}, toyPictures({ count: 90, seed: 5 }))).rejects.toThrow(/bars \(90 pictures\)/);
    await expect(attempt({}, TRAIN, toyNetwork({ dropout: 0.2 }))).rejects.toThrow(/its network/);
    await expect(attempt({ resume: { ...resume, step: 77 } })).rejects.toThrow(/step 77/);
    const otherCount = { ...resume, data: { ...resume.data, count: 91 } };
    await expect(attempt({ resume: otherCount })).rejects.toThrow(
      /bars \(91 pictures\), not on this bars \(90 pictures\)/,
    );
  });

  it.each<[string, Partial<FitOptions>, RegExp]>([
    ["no epochs", { epochs: 0 }, /epochs/],
    ["half a picture", { batchSize: 0.5 }, /batchSize/],
    ["a rate of NaN", { optimiser: { learningRate: Number.NaN } }, /learningRate/],
    ["a momentum of 1", { optimiser: { learningRate: 1, momentum: 1 } }, /momentum/],
    ["Nesterov without momentum", { optimiser: { learningRate: 1, momentum: 0, nesterov: true } }, /nesterov/],
    ["a negative seed", { seed: -1 }, /seed/],
    ["an average of nothing but itself", { averaging: { decay: 1 } }, /averaging\.decay/],
    ["a peak beyond the end", { schedule: { type: "triangular", peakAt: 2, start: 0, end: 0 } }, /peakAt/],
    ["a dropout of everything", { dropout: { start: 10, end: 0 } }, /layer 2 to a rate of 1/],
    ["a norm of 0", { clipNorm: 0 }, /clipNorm/],
    ["deviations of 0", { normalisation: { mean: [0, 0, 0], deviation: [1, 0, 1] } }, /normalisation/],
    ["two means for three channels", { normalisation: { mean: [0, 0], deviation: [1, 1] } }, /normalisation/],
    ["no threads", { threads: 0 }, /threads/],
  ])("refuses %s", async (_, options, message) => {
    await expect(run(toyNetwork(), options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message });
  });

  it.each<[string, Partial<Dataset>, RegExp]>([
    ["pictures of another size", { shape: [8, 4, 6] }, /pictures are \[8, 4, 6\], the network expects \[8, 8, 3\]/],
    ["fewer bytes than pictures", { count: 91 }, /91 pictures take 17472 bytes/],
    ["more classes than outputs", { classes: ["a", "b", "c", "d"] }, /has 4 classes, the network has 3 outputs/],
    ["a label beyond the classes", { labels: new Uint8Array(90).fill(3, 50) }, /picture 50 has label 3 of 3 classes/],
  ])("refuses data with %s", async (_, change, message) => {
    await expect(run(toyNetwork(), {}, { train: { ...TRAIN, ...change } })).rejects.toThrow(message);
  });

  it("says when something slower than asked for has to serve", async () => {
    const lines: string[] = [];
    await run(toyNetwork(), { threads: 2, epochs: 1, onNotice: (line) => lines.push(line) });
    expect(lines).toEqual(["backend reference computes on one thread, not on 2: it has no threads"]);
  });
});
