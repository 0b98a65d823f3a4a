import { type Backend, RandomStream } from "@cifar/tensor";
import { describe, expect, it } from "vitest";
import { weightsDigest } from "../src/digest.js";
import { fit } from "../src/fit.js";
import { conv2d, flatten, linear, relu } from "../src/layers.js";
import { Sequential } from "../src/sequential.js";
import { BACKENDS } from "./support/backends.js";
import { TOY_NORMALISATION, toyNetwork } from "./support/toys.js";

const SIDE = 13;

/** Noise: what is learned does not matter here. */
function noise(side: number) {
  const count = 24;
  const random = new RandomStream({ seed: 5, stream: 0 });
  const images = Uint8Array.from({ length: count * side * side * 3 }, () => random.nextBelow(256));
  const labels = Uint8Array.from({ length: count }, (_, n) => n % 3);
  const shape: [number, number, number] = [side, side, 3];
  return { name: "noise", images, labels, shape, classes: ["a", "b", "c"], count };
}

/** A convolution between two others, so that gradients come to it and leave it. */
function network(
  middle: { filters: number; kernel: number; stride: number; padding: number },
  side = SIDE,
): Sequential {
  return new Sequential({
    input: [side, side, 3],
    layers: [
      conv2d({ filters: 4, kernel: 3, padding: 1 }),
      relu(),
      conv2d(middle),
      relu(),
      flatten(),
      linear({ outputs: 3 }),
    ],
  }).initialise({ method: "he", seed: 2 });
}

async function train(model: Sequential, backend: Backend, side = SIDE): Promise<Sequential> {
  const events = fit(
    model,
    { train: noise(side) },
    {
      epochs: 2,
      batchSize: 16,
      optimiser: { learningRate: 0.01 },
      normalisation: TOY_NORMALISATION,
      backend,
      threads: 1,
    },
  );
  for await (const _ of events);
  return model;
}

/** Largest difference of two models' parameters, relative to the largest value of each. */
function difference(a: Sequential, b: Sequential): number {
  let most = 0;
  for (const [name, { data }] of a.parameters) {
    const other = b.parameters.get(name)!.data;
    const scale = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    for (const [index, value] of data.entries()) most = Math.max(most, Math.abs(value - other[index]!) / scale);
  }
  return most;
}

/** The last window ends at the picture's last pixel, or in the padding, or far before the next would begin. */
const GEOMETRIES = [
  { filters: 5, kernel: 1, stride: 4, padding: 0 },
  { filters: 5, kernel: 2, stride: 5, padding: 1 },
  { filters: 8, kernel: 3, stride: 7, padding: 2 },
  { filters: 5, kernel: 3, stride: 6, padding: 4 },
  { filters: 8, kernel: 3, stride: 1, padding: 2 },
  { filters: 3, kernel: 13, stride: 1, padding: 0 },
];

describe.each(BACKENDS)("one backend $name for several runs", ({ create }) => {
  it.each(GEOMETRIES)(
    "trains each to the weights that it has alone, with $kernel / $stride / $padding",
    async (middle) => {
      const backend = create();
      const expected = weightsDigest(await train(network(middle), create()));
      const digests: string[] = [];
      for (let run = 0; run < 3; run++) {
        digests.push(weightsDigest(await train(network(middle), backend)));
        if (run === 1) await train(toyNetwork(), backend, 8);
      }
      expect(digests).toEqual([expected, expected, expected]);
    },
  );

  it("trains networks by turns to the weights that they have alone", async () => {
    const backend = create();
    const models = GEOMETRIES.map((middle) => () => network(middle));
    for (const make of [...models, ...models.toReversed()]) {
      expect(weightsDigest(await train(make(), backend))).toBe(weightsDigest(await train(make(), create())));
    }
  });
});

/** Of four steps: float32 has seven digits, and sums of a few hundred terms, forward and backward, cost two. */
const ROUNDING = 1e-5;

describe("backends reference and wasm", () => {
  it.each(GEOMETRIES)(
    "train to weights that agree within rounding, with $kernel / $stride / $padding",
    async (middle) => {
      const [reference, wasm] = await Promise.all(BACKENDS.map(({ create }) => train(network(middle), create())));
      expect(difference(reference!, wasm!)).toBeLessThan(ROUNDING);
      // Sums of float32 values: rounded at each addition here, once at the end there.
      expect(weightsDigest(wasm!)).not.toBe(weightsDigest(reference!));
    },
  );

  it("do so where a stride's gap would reach far past the end of the memory, and with a kernel as large as the picture", async () => {
    const side = 41;
    const corners = { filters: 64, kernel: 1, stride: 20, padding: 0 };
    const whole = { filters: 3, kernel: 41, stride: 1, padding: 0 };
    for (const middle of [corners, whole]) {
      const [reference, wasm] = await Promise.all(
        BACKENDS.map(({ create }) => train(network(middle, side), create(), side)),
      );
      expect(difference(reference!, wasm!)).toBeLessThan(ROUNDING);
    }
  });
});
