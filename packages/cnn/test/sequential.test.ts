import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cifarCnn } from "../src/cifar-cnn.js";
import { conv2d, dropout, flatten, type LayerDescription, linear, maxPool2d, relu } from "../src/layers.js";
import { Sequential } from "../src/sequential.js";

const build = (layers: readonly LayerDescription[], input = [8, 8, 3]) => new Sequential({ input, layers });

describe("cifarCnn", () => {
  it("has 143,018 parameters under PyTorch's names", () => {
    const model = cifarCnn();
    expect(model.parameterCount).toBe(143_018);
    expect([...model.parameters].map(([name, { shape }]) => `${name} ${shape.join("×")}`)).toEqual([
      "0.weight 3×3×3×32",
      "0.bias 32",
      "3.weight 3×3×32×32",
      "3.bias 32",
      "6.weight 3×3×32×64",
      "6.bias 64",
      "9.weight 3×3×64×64",
      "9.bias 64",
      "13.weight 7744×10",
      "13.bias 10",
    ]);
  });

  it("shows sides of 34, 36, 18, 20, 22 and 11 and about 76.5 MFLOP of products a picture in its table", () => {
    const table = cifarCnn().summary();
    for (const side of [34, 36, 18, 20, 22, 11]) expect(table).toMatch(new RegExp(` ${side} × ${side} × (32|64)`));
    expect(table).toContain("143,018");
    const flops = Number(/([\d,]+)$/.exec(table)![1]!.replaceAll(",", ""));
    expect(flops / 76.5e6).toBeCloseTo(1, 1);
  });
});

describe("Sequential", () => {
  it("counts two operations a multiply-add", () => {
    const line = build([flatten(), linear({ outputs: 10 })], [2, 2, 1])
      .summary()
      .split("\n")
      .at(-1)!;
    // 4 · 10 products and as many sums, of which 10 are the bias's, that is 2 · 40 + 10.
    expect(line.trimEnd().endsWith(" 90")).toBe(true);
  });

  it.each<[string, readonly LayerDescription[], RegExp]>([
    ["a linear layer on a picture", [linear({ outputs: 2 })], /layer 0 \(linear\): .* flatten/],
    ["a convolution after flatten", [flatten(), conv2d({ filters: 1, kernel: 1 })], /layer 1 \(conv2d\): expects/],
    ["a window larger than the picture", [maxPool2d({ size: 9 })], /layer 0 \(maxPool2d\): a window of 9/],
    ["no filters", [conv2d({ filters: 0, kernel: 3 })], /filters must be a whole number/],
    ["half a stride", [conv2d({ filters: 1, kernel: 3, stride: 0.5 })], /stride must be a whole number/],
    ["a dropout of everything", [dropout(1)], /rate must be at least 0 and below 1/],
    ["weights beyond all memory", [flatten(), linear({ outputs: 2 ** 40 })], /values/],
  ])("refuses %s and says which layer it is", (_, layers, message) => {
    expect(() => build(layers)).toThrow(message);
  });

  it("gives back the layers that it was built from", () => {
    const layer = fc.oneof(
      fc.record({ filters: fc.integer({ min: 1, max: 4 }), kernel: fc.integer({ min: 1, max: 3 }) }).map(conv2d),
      fc.constant(relu()),
      fc.double({ min: 0, max: 0.9, noNaN: true }).map(dropout),
    );
    fc.assert(
      fc.property(fc.array(layer, { maxLength: 3 }), (layers) => {
        const model = build([...layers, flatten(), linear({ outputs: 2 })]);
        const again = new Sequential(JSON.parse(JSON.stringify(model.architecture())));
        expect(again.summary()).toBe(model.summary());
      }),
      { numRuns: 30 },
    );
  });

  it("clones with parameters of its own", () => {
    const model = cifarCnn({ seed: 3 });
    const copy = model.clone();
    copy.parameters.get("0.bias")!.data.fill(7);
    expect(model.parameters.get("0.bias")!.data).not.toContain(7);
    expect(copy.parameters.get("0.weight")!.data).toEqual(model.parameters.get("0.weight")!.data);
  });

  it("leaves all parameters alone when one that is assigned does not fit", () => {
    const model = build([flatten(), linear({ outputs: 2 })]);
    const values = new Map([["1.weight", new Float32Array(384).fill(1)]]);
    expect(() => model.assign(values)).toThrow(/1\.bias is missing/);
    values.set("1.bias", new Float32Array(3));
    expect(() => model.assign(values)).toThrow(/1\.bias \[2\] has 2 values, not 3/);
    values.set("1.bias", new Float32Array(2)).set("2.bias", new Float32Array(2));
    expect(() => model.assign(values)).toThrow(/no parameter 2\.bias/);
    expect(model.parameters.get("1.weight")!.data).toEqual(new Float32Array(384));
  });
});

describe("initialise", () => {
  const moments = (values: Float32Array) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
  };

  it("draws as PyTorch does: uniform within ±1/√inputs, weights and biases", () => {
    const model = cifarCnn({ seed: 11 });
    for (const [layer, fanIn] of [
      ["0", 27],
      ["9", 576],
      ["13", 7744],
    ] as const) {
      const bound = 1 / Math.sqrt(fanIn);
      const { data } = model.parameters.get(`${layer}.weight`)!;
      const { mean, deviation } = moments(data);
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest / bound).toBeGreaterThan(0.98);
      expect(Math.abs(mean / bound)).toBeLessThan(0.06);
      expect(deviation / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
      expect(new Set(model.parameters.get(`${layer}.bias`)!.data).size).toBeGreaterThan(5);
    }
  });

  it("draws as He et al. do: normal with deviation √(2/inputs), biases 0", () => {
    const model = cifarCnn().initialise({ method: "he", seed: 1 });
    const { mean, deviation } = moments(model.parameters.get("9.weight")!.data);
    expect(deviation / Math.sqrt(2 / 576)).toBeCloseTo(1, 1);
    expect(Math.abs(mean)).toBeLessThan(0.002);
    expect(model.parameters.get("9.bias")!.data.every((value) => value === 0)).toBe(true);
  });

  it("gives the same for the same seed and another for another", () => {
    const values = (seed: number) => [...cifarCnn({ seed }).parameters.get("0.weight")!.data];
    expect(values(5)).toEqual(values(5));
    expect(values(5)).not.toEqual(values(6));
    expect(() => cifarCnn({ seed: -1 })).toThrow(/seed must be a whole number/);
  });
});

describe("a network of 200,000 layers", () => {
  it("is placed, summed up and copied without a stack of calls as deep", () => {
    const model = new Sequential({ input: [2], layers: new Array(200_000).fill(relu()) });
    expect(model.outputShape).toEqual([2]);
    expect(model.summary().split("\n")).toHaveLength(200_005);
    expect(model.clone().layers).toHaveLength(200_000);
  });
});
