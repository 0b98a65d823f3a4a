import { describe, expect, it } from "vitest";
import { cifarCnn } from "../src/cifar-cnn.js";
import { evaluate, predictBothSides, predictLogits } from "../src/evaluate.js";
import { summariseLogits } from "../src/evaluation.js";
import { explain } from "../src/explain.js";
import { createPredictor } from "../src/predictor.js";
import { Sequential } from "../src/sequential.js";
import { BACKENDS } from "./support/backends.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

const normalisation = TOY_NORMALISATION;
const pictures = toyPictures({ count: 5 });
const size = 8 * 8 * 3;
const picture = pictures.images.slice(size, 2 * size);

describe.each(BACKENDS)("explain on $name", ({ name: backend }) => {
  it("gives the logits that a predictor turns into probabilities, and explains the largest", async () => {
    const model = toyNetwork();
    const { logits, label } = await explain(model, picture, { normalisation, backend });
    const predictor = await createPredictor(model, { normalisation, classes: pictures.classes, backend, threads: 1 });
    const probabilities = await predictor.predict(picture);
    predictor.close();
    const sum = logits.reduce((total, value) => total + Math.exp(value), 0);
    for (const [index, logit] of logits.entries()) expect(Math.exp(logit) / sum).toBeCloseTo(probabilities[index]!, 6);
    expect(label).toBe(probabilities.indexOf(Math.max(...probabilities)));
  });

  it("has the gradient that finite differences find", async () => {
    const model = toyNetwork();
    const { gradient, label } = await explain(model, picture, { normalisation, backend, label: 2 });
    expect(label).toBe(2);
    // One step of a byte is the smallest there is. The network is linear but for kinks of ReLU and max-pooling, where the
    // difference over a step lies between two slopes: so the steps to both sides have to agree before they are compared.
    let compared = 0;
    for (let at = 0; at < size; at += 7) {
      const score = async (change: number) => {
        const changed = picture.slice();
        changed[at]! += change;
        return (await explain(model, changed, { normalisation, backend: "reference", label: 2 })).score;
      };
      const [below, here, above] = [await score(-1), await score(0), await score(1)];
      const step = 1 / 255 / normalisation.deviation[at % 3]!;
      const [left, right] = [(here - below) / step, (above - here) / step];
      if (Math.abs(left - right) > 1e-4) continue;
      compared++;
      // Differences of float32 scores of about 1 over steps of 0.015.
      expect(Math.abs(gradient[at]! - (left + right) / 2)).toBeLessThan(5e-5);
    }
    expect(compared).toBeGreaterThan(12);
  });

  it("shares the score out among places: contributions and the last layer's bias add up to it", async () => {
    const model = cifarCnn({ seed: 4 });
    const image = Uint8Array.from({ length: 3072 }, (_, index) => (index * 37 + (index >> 5) * 11) % 256);
    const { score, label, contributions } = await explain(model, image, { normalisation, backend });
    expect([contributions.height, contributions.width]).toEqual([22, 22]);
    const bias = model.parameters.get("13.bias")!.data;
    const mean = bias.reduce((sum, value) => sum + value, 0) / 10;
    const sum = contributions.values.reduce((total, value) => total + value, 0);
    expect(sum + bias[label]! - mean).toBeCloseTo(score, 5);
  });
});

describe("explain", () => {
  it.each([
    [4, 25],
    [16, 9],
  ])("knows where in the picture its places lie: what a pixel at (%i, %i) makes is centred on it", async (y, x) => {
    const { input, layers } = cifarCnn().architecture();
    // Without the last max-pooling, which would give its gradient to one place of four.
    const model = new Sequential({ input, layers: layers.filter((_, index) => index !== 11) });
    // All filters alike, only class 0 looks, all black but for one pixel: what is not 0 comes from that pixel.
    const values = [...model.parameters].map(([name, { size }]) => {
      const value = name.endsWith("bias") ? 0 : 0.1;
      return [
        name,
        Float32Array.from({ length: size }, (_, at) => (name === "12.weight" && at % 10 ? 0 : value)),
      ] as const;
    });
    model.assign(new Map(values));
    const image = new Uint8Array(3072);
    image.fill(255, (y * 32 + x) * 3, (y * 32 + x + 1) * 3);
    const plain = { mean: [0, 0, 0], deviation: [1, 1, 1] };
    const { contributions } = await explain(model, image, { normalisation: plain, label: 0 });
    const { width, start, step } = contributions;
    const sum = contributions.values.reduce((total, value) => total + value);
    const centre = (position: (place: number) => number) =>
      start + (step * contributions.values.reduce((total, value, place) => total + value * position(place), 0)) / sum;
    expect(sum).toBeGreaterThan(0);
    // The max-pooling between has forgotten which of two pixels it was.
    expect(Math.abs(centre((place) => Math.floor(place / width)) - (y + 0.5))).toBeLessThanOrEqual(1);
    expect(Math.abs(centre((place) => place % width) - (x + 0.5))).toBeLessThanOrEqual(1);
  });

  it("refuses what is no picture and no class", async () => {
    const model = toyNetwork();
    await expect(explain(model, picture.slice(1), { normalisation })).rejects.toThrow(/191 bytes are no picture of/);
    await expect(explain(model, picture, { normalisation, label: 3 })).rejects.toThrow(/label must be from 0 to 2/);
  });

  it("leaves open a backend that it was given", async () => {
    const backend = BACKENDS[0]!.create();
    const first = await explain(toyNetwork(), picture, { normalisation, backend });
    expect(await explain(toyNetwork(), picture, { normalisation, backend })).toEqual(first);
    backend.close();
  });
});

describe("logits of a data set", () => {
  it("are what evaluate counts; with those of the mirrored pictures added, what it counts with flip", async () => {
    const model = toyNetwork();
    const options = { normalisation, threads: 1 };
    const plain = await predictLogits(model, pictures, options);
    expect(summariseLogits(plain, pictures)).toEqual(await evaluate(model, pictures, options));
    const { asItIs, mirrored } = await predictBothSides(model, pictures, options);
    expect(asItIs).toEqual(plain);
    expect(mirrored).not.toEqual(plain);
    const mean = plain.map((value, index) => (value + mirrored[index]!) / 2);
    expect(summariseLogits(mean, pictures)).toEqual(await evaluate(model, pictures, { ...options, flip: true }));
  });
});
