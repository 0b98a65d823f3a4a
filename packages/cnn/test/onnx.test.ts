import { RandomStream, type Shape, sizeOf } from "@cifar/tensor";
import { createReferenceBackend } from "@cifar/tensor/reference";
import fc from "fast-check";
import * as ort from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import { cifarCnn } from "../src/cifar-cnn.js";
import { conv2d, dropout, flatten, type LayerDescription, linear, maxPool2d, relu } from "../src/layers.js";
import { toOnnx } from "../src/onnx.js";
import { Program } from "../src/program.js";
import { fromPyTorch, toPyTorch } from "../src/pytorch.js";
import { Sequential } from "../src/sequential.js";
import { createShard } from "../src/shard.js";
import { oracle, oracleTensors, relativeError } from "./support/oracle.js";

// One thread: no worker that a test would have to wait for.
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

/** Logits of an ONNX file in ONNX Runtime. */
async function runOnnx(file: Uint8Array, input: Float32Array, shape: Shape): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
  try {
    const { logits } = await session.run({ input: new ort.Tensor("float32", input, shape) });
    return (logits!.data as Float32Array).slice();
  } finally {
    await session.release();
  }
}

/** The same by the definition, of float inputs as they are here. */
function runHere(model: Sequential, input: Float32Array, batch: number): Float32Array {
  // Such a network computes nothing, and no engine takes it.
  if (model.layers.every(({ type }) => type === "flatten" || type === "dropout")) return input;
  const backend = createReferenceBackend();
  const shard = createShard(backend, {
    index: 0,
    pictures: batch,
    input: model.input,
    logits: model.outputShape,
    parameters: undefined,
  });
  const program = new Program({ placed: model.placed, backend, batch });
  const parameters = [...model.parameters.values()];
  shard.input.data.set(input);
  program.make();
  program.prepare(parameters);
  program.forward(shard);
  return shard.logits.data.slice();
}

/** [batch, height, width, channels] as [batch, channels, height, width]; whatever has no channels stays. */
function toNchw(values: Float32Array, [height, width, channels]: Shape, rank: number): Float32Array {
  if (rank !== 3) return values;
  const size = height! * width! * channels!;
  return Float32Array.from(values, (_, at) => {
    const [inside, channel, pixel] = [
      at % size,
      Math.floor((at % size) / (height! * width!)),
      (at % size) % (height! * width!),
    ];
    return values[at - inside + pixel * channels! + channel]!;
  });
}

async function expectSame(model: Sequential, batch = 3): Promise<void> {
  const { input } = model;
  const random = new RandomStream({ seed: 5, stream: 0, index: 0 });
  const values = Float32Array.from({ length: batch * sizeOf(input) }, () => random.nextUniform() - 0.5);
  const foreign = input.length === 3 ? [batch, input[2]!, input[0]!, input[1]!] : [batch, ...input];
  const found = await runOnnx(toOnnx(model), toNchw(values, input, input.length), foreign);
  expect(found.length).toBe(batch * model.outputShape[0]!);
  const expected = runHere(model, values, batch);
  // Of values around 1; the definition rounds to float32 after each addition, ONNX Runtime less often.
  const errors = Array.from(found, (value, index) => Math.abs(value - expected[index]!));
  expect(Math.max(...errors)).toBeLessThan(1e-5);
}

const network = (input: Shape, ...layers: LayerDescription[]) =>
  new Sequential({ input, layers }).initialise({ method: "pytorch", seed: 3 });

describe("an ONNX file in ONNX Runtime", () => {
  it("gives PyTorch's logits", async () => {
    const model = fromPyTorch(oracleTensors("network", "initial."), cifarCnn());
    const logits = await runOnnx(toOnnx(model), Float32Array.from(oracle("network", "input")), [16, 3, 32, 32]);
    expect(relativeError(logits, oracle("network", "logits"))).toBeLessThan(1e-5);
  });

  it.each<[string, Sequential]>([
    ["nothing but a flattened picture", network([2, 3, 4], flatten())],
    ["a flattened picture at its end", network([4, 4, 2], conv2d({ filters: 3, kernel: 3 }), flatten())],
    [
      "a flattened picture and a ReLU at its end",
      network([4, 4, 2], conv2d({ filters: 3, kernel: 3 }), flatten(), relu()),
    ],
    [
      "layers that keep positions between a flattened picture and a linear layer",
      network([3, 2, 4], flatten(), relu(), dropout(0.5), flatten(), linear({ outputs: 5 }), linear({ outputs: 2 })),
    ],
    [
      "padding, stride and filters of an even side",
      network([7, 5, 2], conv2d({ filters: 3, kernel: 4, padding: 2, stride: 3 }), flatten(), linear({ outputs: 3 })),
    ],
    [
      "more padding than kernel",
      network([3, 3, 2], conv2d({ filters: 2, kernel: 1, padding: 3, stride: 2 }), flatten(), linear({ outputs: 3 })),
    ],
    [
      "windows that overlap and leave a rest",
      network([8, 7, 3], maxPool2d({ size: 3, stride: 2 }), flatten(), linear({ outputs: 3 })),
    ],
    ["an input that is a row of values", network([6], linear({ outputs: 4 }), relu(), linear({ outputs: 3 }))],
    ["an input that is a row of values, flattened", network([6], flatten(), linear({ outputs: 3 }))],
    ["an input of two dimensions", network([3, 4], relu(), flatten(), linear({ outputs: 3 }))],
    ["one pixel of several channels", network([1, 1, 5], conv2d({ filters: 4, kernel: 1 }), flatten())],
    ["one channel", network([3, 4, 1], relu(), flatten())],
    ["dropout at its end", network([2, 2, 2], flatten(), linear({ outputs: 3 }), dropout(0.5))],
    ["dropout alone", network([5], dropout(0.5))],
    ["no layer at all", network([5])],
  ])("gives our logits for a network with %s", async (_, model) => {
    await expectSame(model);
  });

  it("gives our logits for any chain of layers", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(networks, async (model) => expectSame(model, 2)),
      { numRuns: 60, seed: 20_261_126 },
    );
  });
});

const layer: fc.Arbitrary<LayerDescription> = fc.oneof(
  fc
    .record({
      filters: fc.integer({ min: 1, max: 5 }),
      kernel: fc.integer({ min: 1, max: 4 }),
      stride: fc.integer({ min: 1, max: 3 }),
      padding: fc.integer({ min: 0, max: 4 }),
    })
    .map(conv2d),
  fc.record({ size: fc.integer({ min: 1, max: 3 }), stride: fc.integer({ min: 1, max: 3 }) }).map(maxPool2d),
  fc.constant(relu()),
  fc.constant(dropout(0.5)),
);
const tail = fc.array(
  fc.oneof(
    fc.constant(relu()),
    fc.constant(dropout(0.5)),
    fc.constant(flatten()),
    fc.integer({ min: 1, max: 6 }).map((outputs) => linear({ outputs })),
  ),
  { maxLength: 4 },
);

/** Layers that do not fit where they stand are left out. */
const networks: fc.Arbitrary<Sequential> = fc
  .record({
    input: fc.tuple(...[9, 9, 4].map((max) => fc.integer({ min: 1, max }))),
    layers: fc.array(layer, { maxLength: 5 }),
    tail,
  })
  .map(({ input, layers, tail }) => {
    const fitting: LayerDescription[] = [];
    for (const each of [...layers, flatten(), ...tail]) {
      try {
        new Sequential({ input, layers: [...fitting, each] });
        fitting.push(each);
      } catch {
        // a window that is larger than what is left
      }
    }
    return network(input, ...fitting);
  });

describe("an ONNX file", () => {
  it("names the operators of the network in order", () => {
    const bytes = Buffer.from(toOnnx(cifarCnn()));
    const known = ["Conv", "Relu", "MaxPool", "Flatten", "Gemm", "Dropout", "Transpose"];
    const found = known.flatMap((name) => {
      const places: [number, string][] = [];
      // Field 4 of a node, a string (key 0x22) of this length.
      const field = Buffer.concat([Buffer.of(0x22, name.length), Buffer.from(name)]);
      for (let at = bytes.indexOf(field); at >= 0; at = bytes.indexOf(field, at + 1)) places.push([at, name]);
      return places;
    });
    const operators = found.sort(([a], [b]) => a - b).map(([, name]) => name);
    const block = ["Conv", "Relu", "Conv", "Relu", "MaxPool"];
    expect(operators).toEqual([...block, ...block, "Flatten", "Gemm"]);
  });

  it("cannot be made of a network that ends with a picture", () => {
    const model = network([4, 4, 1], conv2d({ filters: 1, kernel: 3 }), maxPool2d({ size: 2 }));
    expect(() => toOnnx(model)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  it("is not made of weights that are not finite", () => {
    const model = network([2, 2, 1], flatten(), linear({ outputs: 2 }));
    model.parameters.get("1.bias")!.data[1] = Number.NaN;
    expect(() => toOnnx(model)).toThrow("network: tensor 1.bias holds NaN at position 1");
    expect(() => toOnnx(model)).toThrow(expect.objectContaining({ code: "NOT_FINITE" }));
  });
});

describe("a PyTorch state dict of a network without a linear layer after its flattened picture", () => {
  it("is refused in either direction, since no weights could be turned", () => {
    const model = network([4, 4, 2], conv2d({ filters: 3, kernel: 3 }), flatten());
    const given = toPyTorch(network([3, 3, 2], conv2d({ filters: 3, kernel: 3 }), flatten()));
    expect(() => toPyTorch(model)).toThrow("layer 1 flattens [2, 2, 3], which PyTorch does in another order");
    expect(() => fromPyTorch(given, model)).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });
});
