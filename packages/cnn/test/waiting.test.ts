import type { Backend, Tensor } from "@cifar/tensor";
import { createReferenceBackend } from "@cifar/tensor/reference";
import { describe, expect, it } from "vitest";
import { weightsDigest } from "../src/digest.js";
import { evaluate } from "../src/evaluate.js";
import { fit } from "../src/fit.js";
import { createPredictor } from "../src/predictor.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./support/toys.js";

/**
 * The plain backend behaving as one on a graphics card does: tensors cannot be looked at from outside, every call has to be
 * waited for, and a call before the one before it has ended is an error.
 */
function remoteBackend(): Backend {
  const plain = createReferenceBackend();
  const inner = new WeakMap<object, Tensor>();
  let busy = false;
  const unwrap = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(unwrap);
    return typeof value === "object" && value !== null ? (inner.get(value) ?? value) : value;
  };
  const wait = async <T>(work: () => T): Promise<Awaited<T>> => {
    if (busy) throw new Error("a call came before the last one had ended");
    busy = true;
    await new Promise((resolve) => setImmediate(resolve));
    const result = await work();
    busy = false;
    return result;
  };
  const remote = (operation: object): object =>
    Object.fromEntries(
      Object.entries(operation).map(([name, member]) => [
        name,
        typeof member === "function"
          ? (...args: unknown[]) => {
              // Numbers may be changed by the caller as soon as the call has returned.
              const values = args.map((value) => {
                const known = unwrap(value);
                return known === value && value?.constructor === Object ? { ...value } : known;
              });
              return wait(() => member(...values));
            }
          : member,
      ]),
    );
  const makers = [
    "conv2d",
    "maxPool2d",
    "relu",
    "dropout",
    "linear",
    "softmaxCrossEntropy",
    "sum",
    "sgd",
    "muon",
  ] as const;
  const operations = makers.map((name) => [name, (spec: never) => remote(plain[name](spec))]);
  return {
    ...plain,
    ...Object.fromEntries(operations),
    name: "gpu",
    description: "gpu (made up)",
    tensor: (shape: readonly number[], dtype?: "float32") => {
      const real = plain.tensor(shape, dtype);
      const proxy = {
        shape: real.shape,
        dtype: real.dtype,
        size: real.size,
        get data(): Float32Array {
          throw new Error("the values are on the graphics card");
        },
      };
      inner.set(proxy, real);
      return proxy;
    },
    write: (target: Tensor, values: Float32Array) => wait(() => plain.write(inner.get(target)!, values)),
    read: (source: Tensor) => wait(() => plain.read(inner.get(source)!)),
  } as unknown as Backend;
}

describe("a backend that has to be waited for", () => {
  const options = {
    epochs: 2,
    batchSize: 20,
    seed: 5,
    optimiser: { learningRate: 0.05, muon: { learningRate: 0.02 } },
    clipNorm: 0.5,
    averaging: { decay: 0.8, from: 0.3 },
    dropout: { start: 1, end: 2 },
    normalisation: TOY_NORMALISATION,
    threads: 1,
  };
  const data = { train: toyPictures({ count: 50 }), validation: toyPictures({ count: 30, seed: 2 }) };

  it("trains to the same bytes, and evaluates and predicts the same", async () => {
    const results = [];
    for (const backend of [createReferenceBackend(), remoteBackend()]) {
      const model = toyNetwork();
      const measured: unknown[] = [];
      for await (const event of fit(model, data, { ...options, backend })) {
        if (event.type === "step") measured.push(event.loss);
        if (event.type === "epoch") measured.push(event.trainLoss, event.validationLoss, event.validationAccuracy);
      }
      const { validation } = data;
      measured.push(await evaluate(model, validation, { normalisation: TOY_NORMALISATION, backend, threads: 1 }));
      const { classes } = validation;
      const predictor = await createPredictor(model, {
        normalisation: TOY_NORMALISATION,
        classes,
        backend,
        threads: 1,
      });
      const images = validation.images.subarray(0, 3 * 192);
      measured.push(...(await Promise.all([predictor.predict(images), predictor.predict(images.subarray(192))])));
      results.push({ digest: weightsDigest(model), measured });
    }
    expect(results[1]).toEqual(results[0]);
  });

  it("names the layer of a NaN too", async () => {
    const run = async () => {
      const backend = remoteBackend();
      const wild = { ...options, epochs: 20, optimiser: { learningRate: 1e5 }, backend };
      for await (const _ of fit(toyNetwork(), data, { ...wild, clipNorm: 1e9 }));
    };
    await expect(run()).rejects.toMatchObject({
      code: "NOT_FINITE",
      message: expect.stringMatching(/layer \d|parameter \d/),
    });
  });
});
