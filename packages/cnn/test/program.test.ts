import { fillNormal, type Tensor } from "@cifar/tensor";
import { describe, expect, it } from "vitest";
import { CURRENT, Engine } from "../src/engine.js";
import { valuesOf } from "../src/evaluate.js";
import { conv2d, dropout, flatten, type LayerDescription, linear, maxPool2d, relu } from "../src/layers.js";
import { Sequential } from "../src/sequential.js";
import { openTrainingEngine } from "../src/training-engine.js";
import { BACKENDS } from "./support/backends.js";

const CLASSES = 3;
const PICTURES = 5;

/** Orders of layers that decide differently what is computed in place, what is fused and what is left out. */
const NETWORKS: readonly (readonly [string, readonly LayerDescription[]])[] = [
  ["one linear layer", []],
  ["ReLU and dropout in place after a convolution", [conv2d({ filters: 4, kernel: 3 }), relu(), dropout(0.3)]],
  ["dropout before the ReLU", [conv2d({ filters: 4, kernel: 3, padding: 1 }), dropout(0.3), relu()]],
  ["ReLU after a max-pooling", [conv2d({ filters: 3, kernel: 2 }), maxPool2d({ size: 2, stride: 1 }), relu()]],
  ["dropout after a max-pooling", [conv2d({ filters: 3, kernel: 2 }), maxPool2d({ size: 2 }), dropout(0.4)]],
  ["two dropouts and two ReLUs", [conv2d({ filters: 3, kernel: 3 }), relu(), dropout(0.2), dropout(0.3), relu()]],
  [
    "layers without parameters first",
    [maxPool2d({ size: 2 }), relu(), dropout(0.2), conv2d({ filters: 2, kernel: 2 })],
  ],
  [
    "two convolutions with strides",
    [conv2d({ filters: 3, kernel: 3, stride: 2, padding: 1 }), conv2d({ filters: 2, kernel: 1 })],
  ],
  [
    "two linear layers",
    [conv2d({ filters: 2, kernel: 3 }), relu(), flatten(), linear({ outputs: 5 }), relu(), dropout(0.2)],
  ],
  ["two max-poolings", [conv2d({ filters: 3, kernel: 1 }), maxPool2d({ size: 2 }), maxPool2d({ size: 2 }), relu()]],
];

function network(layers: readonly LayerDescription[]): Sequential {
  const head = layers.some(({ type }) => type === "flatten") ? [] : [flatten()];
  const model = new Sequential({ input: [6, 6, 2], layers: [...layers, ...head, linear({ outputs: CLASSES })] });
  return model.initialise({ method: "he", seed: 4 });
}

async function open(model: Sequential, backend: (typeof BACKENDS)[number]) {
  const { engine } = await openTrainingEngine(
    { placed: model.placed, batchSize: PICTURES, labelSmoothing: 0.1, averaging: false },
    { backend: backend.create(), threads: 1 },
  );
  await engine.write(engine.parameters, valuesOf(model));
  fillNormal(engine.images, { seed: 9, stream: 1 });
  engine.labels.set([0, 1, 2, 0, 1]);
  await engine.upload();
  const lossOf = async () => {
    await engine.train({ seed: 3, step: 8, scale: 1 / PICTURES, dropoutScale: 1 });
    const losses = engine.shards.flatMap(({ training }) => [...training!.losses.data]);
    return losses.reduce((sum, loss) => sum + loss, 0) / PICTURES;
  };
  return { engine, lossOf };
}

describe.each(BACKENDS)("a program on backend $name", (backend) => {
  it.each(NETWORKS)("has the gradients that finite differences show: %s", async (_, layers) => {
    const model = network(layers);
    const { engine, lossOf } = await open(model, backend);
    await lossOf();
    const gradients = engine.parameters.map((_, index) => engine.shards[0]!.training!.gradients[index]!.data.slice());
    const largest = Math.max(...gradients.flatMap((gradient) => [...gradient].map(Math.abs)));
    expect(largest).toBeGreaterThan(0.01);
    const change = async (parameter: Tensor, index: number, by: number) => {
      const values = await engine.backend.read(parameter);
      values[index]! += by;
      await engine.backend.write(parameter, values);
      const loss = await lossOf();
      values[index]! -= by;
      await engine.backend.write(parameter, values);
      return loss;
    };
    for (const [index, parameter] of engine.parameters.entries()) {
      for (let k = 0; k < parameter.size; k += Math.max(1, Math.floor(parameter.size / 7))) {
        // Steps of 1/512: below that the rounding of float32 shows, above it the kinks of ReLU and max-pooling.
        const difference = ((await change(parameter, k, 1 / 512)) - (await change(parameter, k, -1 / 512))) * 256;
        expect(Math.abs(difference - gradients[index]![k]!) / largest).toBeLessThan(0.02);
      }
    }
    engine.close();
  });

  it("draws another dropout at another step, and none at all when it infers", async () => {
    const model = network([conv2d({ filters: 4, kernel: 3 }), relu(), dropout(0.5)]);
    const { engine } = await open(model, backend);
    const logits = async (run: () => unknown) => {
      await run();
      return engine.shards.flatMap((shard) => [...shard.logits.data]);
    };
    const train = (step: number) => () => engine.train({ seed: 3, step, scale: 1, dropoutScale: 1 });
    const infer = () => engine.infer(engine.shards.length, CURRENT);
    expect(await logits(train(0))).toEqual(await logits(train(0)));
    expect(await logits(train(0))).not.toEqual(await logits(train(1)));
    expect(await logits(infer)).toEqual(await logits(infer));
    const without = () => engine.train({ seed: 3, step: 0, scale: 1, dropoutScale: 0 });
    expect(await logits(without)).toEqual(await logits(infer));
    engine.close();
  });

  it("finds the first layer that makes NaN of numbers", async () => {
    const model = network([conv2d({ filters: 4, kernel: 3 }), relu(), flatten(), linear({ outputs: 4 })]);
    const { engine } = await open(model, backend);
    const find = () => engine.runner.firstNonFinite(engine.shards[0]!);
    await engine.train({ seed: 0, step: 0, scale: 1, dropoutScale: 1 });
    expect(await find()).toBeUndefined();
    const weight = engine.parameters[2]!;
    await engine.backend.write(weight, new Float32Array(weight.size).fill(3e38));
    await engine.train({ seed: 0, step: 0, scale: 1, dropoutScale: 1 });
    expect(await find()).toBe(3);
    engine.close();
  });
});

describe("a program", () => {
  it("cannot be made of layers without parameters", async () => {
    const model = new Sequential({ input: [2, 2, 1], layers: [flatten()] });
    await expect(Engine.open({ placed: model.placed, batchSize: 1 }, { backend: "reference" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
