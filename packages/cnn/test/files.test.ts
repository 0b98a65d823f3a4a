import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint.js";
import { cifarCnn } from "../src/cifar-cnn.js";
import { weightsDigest } from "../src/digest.js";
import { CnnError } from "../src/errors.js";
import { flatten, linear, relu } from "../src/layers.js";
import { loadModel, type ModelCard, saveModel } from "../src/model-file.js";
import { fromPyTorch, toPyTorch } from "../src/pytorch.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "../src/safetensors.js";
import { Sequential } from "../src/sequential.js";
import { takeCheckpoint } from "./support/checkpoint.js";
import { oracleTensors, relativeError } from "./support/oracle.js";
import { TOY_NORMALISATION, toyNetwork } from "./support/toys.js";

const CARD: ModelCard = {
  classes: ["across", "down", "nowhere"],
  normalisation: TOY_NORMALISATION,
  temperature: 1.25,
  training: { recipe: "toy", seed: 3, epochs: 2, data: { name: "bars", sha256: "00ff" } },
  accuracy: { test: 0.75, pictures: 100 },
};

/** The same file with some of its metadata or tensors replaced. */
function altered(
  bytes: Uint8Array,
  change: { metadata?: Record<string, string | undefined>; tensors?: Record<string, SafetensorsTensor | undefined> },
): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const kept = <T>(entries: Record<string, T | undefined>) =>
    Object.entries(entries).filter((entry): entry is [string, T] => entry[1] !== undefined);
  return encodeSafetensors(
    new Map(kept({ ...Object.fromEntries(tensors), ...change.tensors })),
    Object.fromEntries(kept({ ...metadata, ...change.metadata })),
  );
}

/** Any single change of a file's bytes, or a cut. */
function damage(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const cut = fc.nat({ max: file.length - 1 }).map((length) => file.slice(0, length));
  const flip = fc.tuple(fc.nat({ max: file.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
    const bytes = file.slice();
    bytes[at]! ^= by;
    return bytes;
  });
  return fc.oneof({ weight: 4, arbitrary: flip }, cut);
}

describe("a model file", () => {
  it("holds network, weights and card", () => {
    const model = toyNetwork({ seed: 8 });
    const loaded = loadModel(saveModel(model, CARD));
    expect(loaded.model.architecture()).toEqual(model.architecture());
    expect(loaded.card).toEqual(CARD);
    expect(loaded.digest).toBe(weightsDigest(model));
    expect(weightsDigest(loaded.model)).toBe(weightsDigest(model));
  });

  it("needs nothing but classes and normalisation on its card", () => {
    const { classes, normalisation } = CARD;
    expect(loadModel(saveModel(toyNetwork(), { classes, normalisation })).card).toEqual({ classes, normalisation });
  });

  it("takes half the room in half precision, with weights rounded to 11 bits", () => {
    const model = cifarCnn();
    const card = { ...CARD, classes: Array.from({ length: 10 }, (_, k) => `${k}`) };
    const half = saveModel(model, card, { dtype: "F16" });
    expect(half.length / saveModel(model, card).length).toBeCloseTo(0.5, 2);
    const loaded = loadModel(half);
    expect(loaded.digest).toBe(weightsDigest(loaded.model));
    for (const [name, { data }] of model.parameters) {
      expect(relativeError(loaded.model.parameters.get(name)!.data, data)).toBeLessThan(2 ** -11);
    }
  });

  it("is not written with a card that does not fit the network", () => {
    expect(() => saveModel(toyNetwork(), { ...CARD, classes: ["a"] })).toThrow(/1 classes do not fit/);
    expect(() => saveModel(toyNetwork(), { ...CARD, temperature: 0 })).toThrow(/temperature/);
    expect(() => saveModel(toyNetwork(), { ...CARD, normalisation: { mean: [0], deviation: [1] } })).toThrow(/means/);
  });

  const good = saveModel(toyNetwork(), CARD);
  const layers = (change: (layers: Record<string, unknown>[]) => unknown) => {
    const architecture = toyNetwork().architecture() as unknown as { layers: Record<string, unknown>[] };
    change(architecture.layers);
    return JSON.stringify(architecture);
  };
  const weight = (shape: readonly number[], fill = 0): SafetensorsTensor => ({
    dtype: "F32",
    shape,
    data: new Float32Array(shape.reduce((size, side) => size * side, 1)).fill(fill),
  });
  it.each<[string, Parameters<typeof altered>[1], RegExp]>([
    ["no format", { metadata: { format: undefined } }, /format/],
    ["another format", { metadata: { format: "cifar-cnn checkpoint 1" } }, /format/],
    ["no architecture", { metadata: { architecture: undefined } }, /architecture is missing/],
    ["an architecture that is no JSON", { metadata: { architecture: "{" } }, /architecture is no JSON/],
    ["an architecture without layers", { metadata: { architecture: "{}" } }, /layers must be a list/],
    ["a layer that is a number", { metadata: { architecture: '{"input":[8,8,3],"layers":[1]}' } }, /an object/],
    ["a layer of no known type", { metadata: { architecture: layers((all) => (all[1]!["type"] = "exec")) } }, /one of/],
    [
      "a layer type out of the prototype",
      { metadata: { architecture: layers((all) => (all[1]!["type"] = "toString")) } },
      /one of/,
    ],
    ["filters that are words", { metadata: { architecture: layers((all) => (all[0]!["filters"] = "6")) } }, /a number/],
    ["a picture of no size", { metadata: { architecture: '{"input":[0,8,3],"layers":[]}' } }, /no shape of a picture/],
    [
      "weights of a billion rows",
      { metadata: { architecture: layers((all) => (all[7]!["outputs"] = 1e9)) } },
      /values/,
    ],
    [
      "a kernel beyond its picture",
      { metadata: { architecture: layers((all) => (all[0]!["kernel"] = 99)) } },
      /does not fit/,
    ],
    ["other weights than its own", { tensors: { "0.bias": weight([6], 1) } }, /digest/],
    [
      "weights of another shape",
      { tensors: { "0.bias": weight([2, 3]) } },
      /F32 \[2, 3\], the network expects F32 or F16 \[6\]/,
    ],
    [
      "weights that are whole numbers",
      { tensors: { "0.bias": { dtype: "I32", shape: [6], data: new Int32Array(6) } } },
      /is I32/,
    ],
    ["weights that are not there", { tensors: { "0.bias": undefined } }, /0\.bias is missing/],
    ["weights that are NaN", { tensors: { "0.bias": weight([6], Number.NaN) } }, /not finite/],
    ["tensors of no layer", { tensors: { extra: weight([1]) } }, /of no layer/],
    ["no digest", { metadata: { weightsDigest: undefined } }, /digest/],
    ["classes that do not fit", { metadata: { classes: '["a"]' } }, /1 classes do not fit/],
    ["classes that are numbers", { metadata: { classes: "[1,2,3]" } }, /classes\[0\] must be a string/],
    ["no normalisation", { metadata: { normalisation: undefined } }, /normalisation is missing/],
    ["deviations of 0", { metadata: { normalisation: '{"mean":[0,0,0],"deviation":[0,0,0]}' } }, /deviations above 0/],
    ["a temperature of nothing", { metadata: { temperature: "null" } }, /temperature must be a number/],
    ["a training record that is a list", { metadata: { training: "[]" } }, /training must be an object/],
  ])("is refused with %s", (_, change, message) => {
    const bytes = altered(good, change);
    expect(() => loadModel(bytes)).toThrow(message);
    expect(() => loadModel(bytes)).toThrow(expect.objectContaining({ code: "INVALID_FILE" }));
  });

  it("that is damaged anywhere gives a CnnError or, where the damage is harmless, the same weights", () => {
    fc.assert(
      fc.property(damage(good), (bytes) => {
        try {
          expect(weightsDigest(loadModel(bytes).model)).toBe(weightsDigest(toyNetwork()));
        } catch (error) {
          expect(error).toBeInstanceOf(CnnError);
          expect((error as CnnError).code).toBe("INVALID_FILE");
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a checkpoint file", async () => {
  const checkpoint = await takeCheckpoint();
  const good = encodeCheckpoint(checkpoint);

  it("gives back everything that was in the checkpoint", () => {
    expect(decodeCheckpoint(good)).toEqual(checkpoint);
  });

  const plan = (change: object) => JSON.stringify({ ...checkpoint.plan, ...change });
  it.each<[string, Parameters<typeof altered>[1], RegExp]>([
    ["another format", { metadata: { format: "cifar-cnn model 1" } }, /format/],
    ["a plan of no epochs", { metadata: { plan: plan({ epochs: 0 }) } }, /plan: fit: epochs/],
    ["a plan without optimiser", { metadata: { plan: plan({ optimiser: undefined }) } }, /optimiser must be an object/],
    [
      "a schedule that nobody knows",
      { metadata: { plan: plan({ schedule: { type: "steps" } }) } },
      /schedule\.type must be/,
    ],
    ["no position", { metadata: { position: undefined } }, /position is missing/],
    ["a position of words", { metadata: { position: '{"data":{},"epochLoss":{}}' } }, /data\.name must be a string/],
    ["velocities that are not there", { tensors: { "velocity.0.bias": undefined } }, /velocity\.0\.bias is missing/],
    ["averages that are not there", { tensors: { "average.0.bias": undefined } }, /average\.0\.bias is missing/],
    ["averages that nobody asked for", { metadata: { plan: plan({ averaging: undefined }) } }, /digest/],
    ["another digest", { metadata: { digest: "0" } }, /digest/],
  ])("is refused with %s", (_, change, message) => {
    const bytes = altered(good, change);
    expect(() => decodeCheckpoint(bytes)).toThrow(message);
    expect(() => decodeCheckpoint(bytes)).toThrow(expect.objectContaining({ code: "INVALID_FILE" }));
  });

  it("that is damaged anywhere gives a CnnError or, where the damage is harmless, the same checkpoint", () => {
    fc.assert(
      fc.property(damage(good), (bytes) => {
        try {
          expect(decodeCheckpoint(bytes)).toEqual(checkpoint);
        } catch (error) {
          expect(error).toBeInstanceOf(CnnError);
          expect((error as CnnError).code).toBe("INVALID_FILE");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a PyTorch state dict", () => {
  it("comes out as it went in", () => {
    const given = oracleTensors("network", "initial.");
    const back = toPyTorch(fromPyTorch(given, cifarCnn()));
    expect(back).toEqual(given);
  });

  it("has its positions turned for the first linear layer after a picture only", () => {
    const model = new Sequential({
      input: [2, 1, 2],
      layers: [flatten(), relu(), linear({ outputs: 4 }), linear({ outputs: 1 })],
    });
    const data = Float32Array.from({ length: 16 }, (_, i) => i);
    const rows: SafetensorsTensor = { dtype: "F32", shape: [4, 4], data };
    const zeros = (shape: number[]): SafetensorsTensor => ({ dtype: "F32", shape, data: new Float32Array(shape[0]!) });
    const last: SafetensorsTensor = { dtype: "F32", shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
    fromPyTorch(
      new Map([
        ["2.weight", rows],
        ["2.bias", zeros([4])],
        ["3.weight", last],
        ["3.bias", zeros([1])],
      ]),
      model,
    );
    // There: channel 0 above, channel 0 below, channel 1 above, channel 1 below; here: above 0, above 1, below 0, below 1.
    expect([...model.parameters.get("2.weight")!.data].slice(0, 16)).toEqual([
      0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15,
    ]);
    expect([...model.parameters.get("3.weight")!.data]).toEqual([1, 2, 3, 4]);
  });

  it("may be in half precision", () => {
    const given = new Map(
      [...oracleTensors("network", "initial.")].map(([name, tensor]) => [
        name,
        { ...tensor, dtype: "F16" } as SafetensorsTensor,
      ]),
    );
    const model = fromPyTorch(given, cifarCnn());
    expect(model.parameters.get("13.bias")!.data).toEqual(given.get("13.bias")!.data);
  });

  it("of another network is refused, and changes nothing", () => {
    const model = cifarCnn({ seed: 4 });
    const before = weightsDigest(model);
    const given = oracleTensors("network", "initial.");
    const change = (name: string, tensor?: SafetensorsTensor) => {
      const copy = new Map(given);
      if (tensor === undefined) copy.delete(name);
      else copy.set(name, tensor);
      return () => fromPyTorch(copy, model);
    };
    expect(change("9.bias")).toThrow(/9\.bias is missing/);
    expect(change("14.weight", given.get("0.bias")!)).toThrow(/no parameter 14\.weight/);
    expect(change("9.bias", { dtype: "F32", shape: [8, 8], data: new Float32Array(64) })).toThrow(
      /is \[8, 8\], the network expects \[64\]/,
    );
    expect(change("9.bias", { dtype: "I32", shape: [64], data: new Int32Array(64) })).toThrow(/is I32/);
    expect(weightsDigest(model)).toBe(before);
  });
});
