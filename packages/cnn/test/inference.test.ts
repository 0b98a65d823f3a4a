import { createReferenceBackend } from "@cifar/tensor/reference";
import { describe, expect, it, vi } from "vitest";
import { cifarCnn } from "../src/cifar-cnn.js";
import type { Dataset } from "../src/dataset.js";
import { CURRENT, Engine } from "../src/engine.js";
import { evaluate, valuesOf } from "../src/evaluate.js";
import { summariseLogits } from "../src/evaluation.js";
import { flatten, linear } from "../src/layers.js";
import { createPredictor } from "../src/predictor.js";
import { Sequential } from "../src/sequential.js";
import { BACKENDS } from "./support/backends.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

const PICTURES = toyPictures({ count: 21 });

/** Says of a picture of one pixel and three channels what the channels say: logit k is channel k. */
function echo(): Sequential {
  const model = new Sequential({ input: [1, 1, 3], layers: [flatten(), linear({ outputs: 3 })] });
  for (let k = 0; k < 3; k++) model.parameters.get("1.weight")!.data[4 * k] = 1;
  return model;
}

const BYTES = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] };
const CLASSES = ["red", "green", "blue"];

const CIFAR_CLASSES = Array.from({ length: 10 }, (_, index) => `class ${index}`);

const colours = (pixels: readonly (readonly number[])[], labels: readonly number[]): Dataset => ({
  name: "colours",
  images: Uint8Array.from(pixels.flat()),
  labels: Uint8Array.from(labels),
  shape: [1, 1, 3],
  classes: CLASSES,
  count: labels.length,
});

describe.each(BACKENDS)("on backend $name", ({ name }) => {
  it("evaluates to the same whatever the batch", async () => {
    const options = { normalisation: TOY_NORMALISATION, backend: name, threads: 1 };
    const whole = await evaluate(toyNetwork(), PICTURES, options);
    expect(whole.total).toBe(21);
    for (const batchSize of [1, 5, 8, 100]) {
      const result = await evaluate(toyNetwork(), PICTURES, { ...options, batchSize });
      expect(result.confusion).toEqual(whole.confusion);
      expect(result.loss).toBeCloseTo(whole.loss, 5);
    }
  });

  it("predicts what the network says of each picture, alone or among others", async () => {
    const options = { normalisation: TOY_NORMALISATION, classes: PICTURES.classes, backend: name, threads: 1 };
    const single = await createPredictor(toyNetwork(), options);
    const many = await createPredictor(toyNetwork(), { ...options, batchSize: 8 });
    const together = await many.predict(PICTURES.images);
    expect(together).toHaveLength(63);
    for (let n = 0; n < 21; n++) {
      const alone = await single.predict(PICTURES.images.subarray(n * 192, (n + 1) * 192));
      for (let k = 0; k < 3; k++) expect(together[3 * n + k]).toBeCloseTo(alone[k]!, 6);
      expect(alone.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 6);
    }
    single.close();
    many.close();
  });
});

describe("evaluate", () => {
  it("counts what was taken for what", async () => {
    const pixels = [
      [9, 0, 0],
      [9, 0, 0],
      [0, 9, 0],
      [0, 9, 8],
      [0, 0, 7],
      [1, 2, 3],
    ];
    const result = await evaluate(echo(), colours(pixels, [0, 1, 1, 1, 2, 0]), { normalisation: BYTES, threads: 1 });
    expect(result).toMatchObject({ correct: 4, total: 6, accuracy: 4 / 6 });
    expect(result.confusion).toEqual([
      [1, 0, 1],
      [1, 2, 0],
      [0, 0, 1],
    ]);
    expect(result.perClass).toEqual([
      { label: "red", correct: 1, total: 2, accuracy: 0.5 },
      { label: "green", correct: 2, total: 3, accuracy: 2 / 3 },
      { label: "blue", correct: 1, total: 1, accuracy: 1 },
    ]);
  });

  it("gives the mean cross-entropy of the logits", async () => {
    const data = colours(
      [
        [3, 1, 0],
        [0, 0, 200],
      ],
      [0, 0],
    );
    const { loss } = await evaluate(echo(), data, { normalisation: BYTES, threads: 1 });
    const first = Math.log(Math.exp(3) + Math.exp(1) + 1) - 3;
    // The second is 200 off: log(e²⁰⁰ + 2) is 200 in every digit.
    expect(loss).toBeCloseTo((first + 200) / 2, 5);
  });

  it("takes the mean of both sides' logits when it flips", async () => {
    // Two pixels side by side, of which the network looks at the left one.
    const model = new Sequential({ input: [1, 2, 2], layers: [flatten(), linear({ outputs: 2 })] });
    model.parameters.get("1.weight")!.data.set([1, 0, 0, 1]);
    const data: Dataset = {
      ...colours([], []),
      images: Uint8Array.of(4, 0, 0, 10),
      labels: Uint8Array.of(0),
      count: 1,
      shape: [1, 2, 2],
      classes: ["a", "b"],
    };
    const options = { normalisation: { mean: [0, 0], deviation: [1 / 255, 1 / 255] }, threads: 1 };
    expect((await evaluate(model, data, options)).correct).toBe(1);
    const flipped = await evaluate(model, data, { ...options, flip: true });
    expect(flipped.correct).toBe(0);
    // Logits (4, 0) and (0, 10) have the mean (2, 5).
    expect(flipped.loss).toBeCloseTo(Math.log(Math.exp(2) + Math.exp(5)) - 2, 5);
  });

  it("says 0 of a class without pictures", () => {
    const result = summariseLogits(Float32Array.of(1, 0, 0), { labels: Uint8Array.of(0), classes: CLASSES, count: 1 });
    expect(result.perClass[2]).toEqual({ label: "blue", correct: 0, total: 0, accuracy: 0 });
  });

  it("stops when the signal says so", async () => {
    const signal = AbortSignal.abort();
    const stopped = evaluate(toyNetwork(), PICTURES, { normalisation: TOY_NORMALISATION, threads: 1, signal });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("refuses a network that ends with a picture, and a batch of none", async () => {
    const model = new Sequential({ input: [8, 8, 3], layers: toyNetwork().layers.slice(0, 1) });
    const options = { normalisation: TOY_NORMALISATION, threads: 1 };
    await expect(evaluate(model, PICTURES, options)).rejects.toMatchObject({
      code: "SHAPE_MISMATCH",
      message: /flatten/,
    });
    await expect(evaluate(toyNetwork(), PICTURES, { ...options, batchSize: 0 })).rejects.toThrow(/batchSize/);
  });

  it("leaves a backend open that it was given", async () => {
    const backend = { ...createReferenceBackend(), close: vi.fn() };
    await evaluate(toyNetwork(), PICTURES, { normalisation: TOY_NORMALISATION, backend, threads: 1 });
    expect(backend.close).not.toHaveBeenCalled();
  });
});

describe("createPredictor", () => {
  const options = { normalisation: BYTES, classes: CLASSES, threads: 1 };

  it("names classes, the most probable first", async () => {
    const predictor = await createPredictor(echo(), options);
    const [first, second] = await predictor.classify(Uint8Array.of(1, 3, 2, 8, 0, 0), { top: 2 });
    const sum = Math.exp(1) + Math.exp(3) + Math.exp(2);
    expect(first).toEqual({
      label: "green",
      confidence: expect.closeTo(Math.exp(3) / sum, 6),
      classes: [
        { label: "green", probability: expect.closeTo(Math.exp(3) / sum, 6) },
        { label: "blue", probability: expect.closeTo(Math.exp(2) / sum, 6) },
      ],
    });
    expect(second!.label).toBe("red");
    predictor.close();
  });

  it("divides logits by the temperature", async () => {
    const predictor = await createPredictor(echo(), { ...options, temperature: 4 });
    const [red, green] = await predictor.predict(Uint8Array.of(8, 0, 0));
    expect(red! / green!).toBeCloseTo(Math.exp(2), 4);
    predictor.close();
  });

  it("looks at both sides when it flips", async () => {
    const data = PICTURES.images.subarray(0, 192);
    const mirrored = Uint8Array.from(
      data,
      (_, i) => data[Math.floor(i / 24) * 24 + (7 - (Math.floor(i / 3) % 8)) * 3 + (i % 3)]!,
    );
    const both = await createPredictor(toyNetwork(), {
      normalisation: TOY_NORMALISATION,
      classes: PICTURES.classes,
      threads: 1,
      flip: true,
    });
    const answer = await both.predict(data);
    for (const [k, probability] of (await both.predict(mirrored)).entries())
      expect(answer[k]).toBeCloseTo(probability, 6);
    both.close();
  });

  it("serves calls that overlap one after the other", async () => {
    const predictor = await createPredictor(echo(), options);
    const answers = await Promise.all(
      [0, 1, 2].map((k) => predictor.classify(Uint8Array.of(0, 0, 0).fill(9, k, k + 1))),
    );
    expect(answers.map(([answer]) => answer!.label)).toEqual(CLASSES);
    predictor.close();
  });

  it("lets others have their turn after each layer when it is asked to, kernels being made or not, and answers the same", async () => {
    const model = cifarCnn({ seed: 3 });
    const options = { normalisation: TOY_NORMALISATION, classes: CIFAR_CLASSES, threads: 1, batchSize: 2 };
    const images = Uint8Array.from({ length: 2 * 3072 }, (_, i) => (i * 7) % 256);
    const plain = await createPredictor(model, options);
    const expected = await plain.predict(images);
    plain.close();

    let turns = 0;
    let asked = 0;
    let running = true;
    const others = (async () => {
      for (; running; turns++) await new Promise((resolve) => setImmediate(resolve));
    })();
    const breathe = () => {
      asked++;
      return new Promise<void>((resolve) => setImmediate(resolve));
    };
    const gentle = await createPredictor(model, { ...options, breathe });
    // A call that comes meanwhile waits for its own turn.
    const [first, second] = await Promise.all([gentle.predict(images), gentle.predict(images.subarray(3072))]);
    expect(first).toEqual(expected);
    expect(second).toEqual(expected.subarray(10));
    // 14 layers to make; 5 of them have parameters, 7 run by themselves.
    expect(asked).toBe(14 + 5 + 2 * 7);
    expect(turns).toBeGreaterThanOrEqual(asked - 1);
    running = false;
    await others;
    asked = 0;
    const none = await createPredictor(model, { ...options, breathe: () => void asked++ });
    expect(await none.predict(images)).toEqual(expected);
    expect(asked).toBe(14 + 5 + 7);
    gentle.close();
    none.close();
  });

  it("keeps the weights that the model had", async () => {
    const model = echo();
    const predictor = await createPredictor(model, options);
    model.parameters.get("1.weight")!.data.fill(0);
    expect((await predictor.classify(Uint8Array.of(0, 9, 0)))[0]!.label).toBe("green");
    predictor.close();
  });

  it("answers what was asked before it was closed, and nothing after", async () => {
    const predictor = await createPredictor(echo(), options);
    const asked = predictor.predict(Uint8Array.of(1, 2, 3));
    predictor.close();
    predictor.close();
    expect(await asked).toHaveLength(3);
    await expect(predictor.predict(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: "CLOSED" });
  });

  it.each([
    ["half a picture", Uint8Array.of(1, 2), undefined],
    ["no picture", new Uint8Array(0), undefined],
    ["the best 0", Uint8Array.of(1, 2, 3), { top: 0 }],
  ])("refuses %s", async (_, images, top) => {
    const predictor = await createPredictor(echo(), options);
    await expect(predictor.classify(images, top)).rejects.toThrow(/no whole number of pictures|top must be/);
    predictor.close();
  });

  it("takes the clamped bytes of a canvas, and a part of them, as it takes bytes", async () => {
    const predictor = await createPredictor(toyNetwork(), {
      normalisation: TOY_NORMALISATION,
      classes: PICTURES.classes,
      threads: 1,
    });
    const bytes = PICTURES.images.subarray(192, 384);
    const clamped = Uint8ClampedArray.from(PICTURES.images).subarray(192, 384);
    expect(await predictor.predict(clamped)).toEqual(await predictor.predict(bytes));
    predictor.close();
  });

  // What only programs in JavaScript can do.
  it.each<[string, unknown]>([
    ["Float32Array", new Float32Array(3)],
    ["Array", [1, 2, 3]],
    ["Undefined", undefined],
  ])("refuses %s where pictures are due", async (kind, images) => {
    const predictor = await createPredictor(echo(), options);
    await expect(predictor.classify(images as Uint8Array)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: `predictor: expected pictures as Uint8Array of 0 to 255, not ${kind}`,
    });
    predictor.close();
  });

  it.each<[string, unknown]>([
    ["normalisation", undefined],
    ["normalisation", {}],
    ["normalisation", { classes: CLASSES }],
    ["classes", { normalisation: BYTES }],
  ])("names option %s where it is missing (%j)", async (name, given) => {
    await expect(createPredictor(echo(), given as typeof options)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(`option ${name} is missing`),
    });
  });

  it("refuses one number where there is one for each channel, and a normalisation without deviations", async () => {
    const cases: readonly [unknown, string][] = [
      [{ mean: 0.5, deviation: 0.25 }, "[0.5] and [0.25]"],
      [{ mean: [0, 0, 0] }, "[0, 0, 0] and []"],
    ];
    for (const [normalisation, given] of cases) {
      const wrong = { ...options, normalisation: normalisation as typeof options.normalisation };
      await expect(createPredictor(echo(), wrong)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: `normalisation: expected 3 means and 3 deviations above 0, not ${given}`,
      });
    }
  });

  it("refuses classes, temperatures and normalisations that do not fit", async () => {
    await expect(createPredictor(echo(), { ...options, classes: ["a"] })).rejects.toThrow(/1 classes do not fit/);
    await expect(createPredictor(echo(), { ...options, temperature: 0 })).rejects.toThrow(/temperature/);
    await expect(createPredictor(echo(), { ...options, normalisation: { mean: [], deviation: [] } })).rejects.toThrow(
      /means/,
    );
  });
});

it("infers with the parameters as they are now, and takes them up only when they have changed", async () => {
  let prepared = 0;
  const plain = createReferenceBackend();
  const backend = {
    ...plain,
    linear: (spec: Parameters<typeof plain.linear>[0]) => {
      const linearOperation = plain.linear(spec);
      return {
        ...linearOperation,
        prepare: (...given: Parameters<typeof linearOperation.prepare>) => {
          prepared++;
          return linearOperation.prepare(...given);
        },
      };
    },
  };
  const model = echo();
  const engine = await Engine.open({ placed: model.placed, batchSize: 1 }, { backend, threads: 1 });
  const logits = async () => {
    await engine.infer(1, CURRENT);
    return [...engine.shards[0]!.logits.data];
  };
  engine.images.set([1, 2, 3]);
  await engine.upload();
  await engine.write(engine.parameters, valuesOf(model));
  expect(await logits()).toEqual([1, 2, 3]);
  await logits();
  expect(prepared).toBe(1);
  model.parameters.get("1.bias")!.data.fill(1);
  await engine.write(engine.parameters, valuesOf(model));
  expect(await logits()).toEqual([2, 3, 4]);
  expect(prepared).toBe(2);
  engine.close();
});

it("classifies with the network of the mission on the default backend", async () => {
  const predictor = await createPredictor(cifarCnn(), {
    normalisation: BYTES,
    classes: Array.from({ length: 10 }, (_, k) => `${k}`),
  });
  const answer = await predictor.predict(new Uint8Array(2 * 3072).fill(100));
  expect(answer.slice(0, 10)).toEqual(answer.slice(10));
  expect(predictor.description).toMatch(/^wasm/);
  predictor.close();
});
