import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conv2dSizes } from "../src/specs.js";
import { chooseAlgorithm } from "../src/wasm/conv2d.js";
import { backends, fill } from "./support/backends.js";
import { compute, definition, numbersFor, type Shape } from "./support/convolution.js";
import { fixtureCases, toHwio, toNhwc } from "./support/fixtures.js";
import { dot, expectClose, FORWARD, GRADIENT, randomNumbers, relativeError } from "./support/numbers.js";

/** Shapes of all kinds; many of them are served by Winograd. */
const shapes: fc.Arbitrary<Shape> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 13 }),
    width: fc.integer({ min: 1, max: 13 }),
    channels: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(8, 16)),
    filters: fc.oneof(fc.integer({ min: 1, max: 19 }), fc.constantFrom(8, 16, 24)),
    kernel: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(3)),
    stride: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(1)),
    padding: fc.integer({ min: 0, max: 3 }),
  })
  .filter(({ height, width, kernel, padding }) => Math.min(height, width) + 2 * padding >= kernel);

describe.each(backends)("conv2d on $name", ({ create }) => {
  it.each(fixtureCases("conv2d").map((tensors, index) => ({ tensors, index })))(
    "agrees with PyTorch, case $index",
    async ({ tensors }) => {
      const [stride, padding] = tensors.get("stride_padding")!.data as Int32Array;
      const input = toNhwc(tensors.get("input")!);
      const filter = toHwio(tensors.get("filter")!);
      const [batch, height, width, channels] = input.shape as [number, number, number, number];
      const [kernel, , , filters] = filter.shape as [number, number, number, number];
      const result = await compute(
        create(),
        { batch, height, width, channels, filters, kernel, stride: stride!, padding: padding! },
        {
          input: input.data,
          filter: filter.data,
          bias: tensors.get("bias")!.data as Float32Array,
          gradient: toNhwc(tensors.get("output_gradient")!).data,
        },
      );
      expectClose(result.output, toNhwc(tensors.get("output")!).data, FORWARD);
      expectClose(result.inputGradient, toNhwc(tensors.get("input_gradient")!).data, GRADIENT);
      expectClose(result.filterGradient, toHwio(tensors.get("filter_gradient")!).data, GRADIENT);
      expectClose(result.biasGradient, tensors.get("bias_gradient")!.data, GRADIENT);
    },
  );

  it("computes the definition for any shape", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1000), async (shape, seed) => {
        const numbers = numbersFor(shape, seed);
        const { output } = await compute(backend, shape, numbers);
        expectClose(output, definition(shape, numbers.input, numbers.filter, numbers.bias), FORWARD);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("is linear in the input apart from the bias: conv(a·x + y) − b = a·(conv(x) − b) + (conv(y) − b)", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1000), async (shape, seed) => {
        const x = { ...numbersFor(shape, seed), bias: new Float32Array(shape.filters) };
        const y = { ...x, input: randomNumbers(x.input.length, seed + 9) };
        const both = { ...x, input: x.input.map((value, index) => 1.5 * value + y.input[index]!) };
        const [ofX, ofY, ofBoth] = [
          (await compute(backend, shape, x)).output,
          (await compute(backend, shape, y)).output,
          (await compute(backend, shape, both)).output,
        ];
        // Where the two parts cancel, what remains is the rounding of the parts: compared with their size. It is 0 where
        // every window sees nothing but padding.
        const size = Math.max(...ofX.map(Math.abs), ...ofY.map(Math.abs));
        ofBoth.forEach((value, index) => {
          expect(Math.abs(value - (1.5 * ofX[index]! + ofY[index]!))).toBeLessThanOrEqual(2 * FORWARD * size);
        });
      }),
      { numRuns: 25, seed: 3 },
    );
  });

  it("has the gradients that make it self-adjoint: ⟨conv(x) − b, g⟩ = ⟨x, dx⟩ = ⟨filter, dfilter⟩", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1000), async (shape, seed) => {
        const numbers = { ...numbersFor(shape, seed), bias: new Float32Array(shape.filters) };
        const { output, inputGradient, filterGradient, biasGradient } = await compute(backend, shape, numbers);
        const left = dot(output, numbers.gradient);
        const size = Math.sqrt(dot(output, output) * dot(numbers.gradient, numbers.gradient)) + 1;
        expect(Math.abs(left - dot(numbers.input, inputGradient)) / size).toBeLessThan(GRADIENT);
        expect(Math.abs(left - dot(numbers.filter, filterGradient)) / size).toBeLessThan(GRADIENT);
        const { filters } = shape;
        const sums = Array.from({ length: filters }, (_, f) =>
          numbers.gradient.reduce((sum, value, index) => (index % filters === f ? sum + value : sum), 0),
        );
        expectClose(biasGradient, sums, GRADIENT);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it.each([
    {
      name: "direct",
      shape: { batch: 2, height: 5, width: 6, channels: 3, filters: 5, kernel: 3, stride: 2, padding: 1 },
    },
    {
      name: "Winograd",
      shape: { batch: 1, height: 6, width: 5, channels: 8, filters: 8, kernel: 3, stride: 1, padding: 2 },
    },
  ])("has the gradients of finite differences ($name)", async ({ shape }) => {
    const backend = create();
    const numbers = numbersFor(shape, 7);
    const gradients = await compute(backend, shape, numbers);
    // The convolution is linear in each operand, so that a difference of any width is exact: the definition is float64.
    const loss = (changed: Partial<typeof numbers>) => {
      const { input, filter, bias } = { ...numbers, ...changed };
      return dot(definition(shape, input, filter, bias), numbers.gradient);
    };
    for (const [operand, gradient] of [
      ["input", gradients.inputGradient],
      ["filter", gradients.filterGradient],
      ["bias", gradients.biasGradient],
    ] as const) {
      const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (let index = 0; index < gradient.length; index += Math.ceil(gradient.length / 40)) {
        const step = 0.5;
        const above = numbers[operand].slice();
        const below = numbers[operand].slice();
        above[index]! += step;
        below[index]! -= step;
        const slope = (loss({ [operand]: above }) - loss({ [operand]: below })) / (above[index]! - below[index]!);
        expect(Math.abs(slope - gradient[index]!) / largest).toBeLessThan(GRADIENT);
      }
    }
  });

  it("ends with max(0, ·) if asked to", async () => {
    const shape = { batch: 1, height: 7, width: 7, channels: 8, filters: 8, kernel: 3, stride: 1, padding: 1 };
    const numbers = numbersFor(shape, 3);
    const plain = await compute(create(), shape, numbers);
    const fused = await compute(create(), shape, numbers, true);
    expect(fused.output).toEqual(plain.output.map((value) => Math.max(0, value)));
    expect(fused.inputGradient).toEqual(plain.inputGradient);
  });

  it.each([
    { name: "direct", channels: 3, filters: 6 },
    { name: "Winograd", channels: 8, filters: 8 },
  ])("forgets the call before: the same again, over whatever the targets held ($name)", async (sizes) => {
    const backend = create();
    const shape = { batch: 2, height: 7, width: 6, kernel: 3, stride: 1, padding: 2, ...sizes };
    const numbers = numbersFor(shape, 19);
    const once = await compute(backend, shape, numbers);
    const conv = backend.conv2d({ input: [2, 7, 6, shape.channels], filters: shape.filters, kernel: 3, padding: 2 });
    const input = await fill(backend, [2, 7, 6, shape.channels], numbers.input);
    const gradient = await fill(backend, conv.outputShape, numbers.gradient);
    await conv.prepare(
      await fill(backend, conv.filterShape, numbers.filter),
      await fill(backend, [shape.filters], numbers.bias),
    );
    const targets = {
      output: backend.tensor(conv.outputShape),
      inputGradient: backend.tensor([2, 7, 6, shape.channels]),
      filterGradient: backend.tensor(conv.filterShape),
      biasGradient: backend.tensor([shape.filters]),
    };
    for (let call = 0; call < 2; call++) {
      for (const target of Object.values(targets)) await backend.write(target, new Float32Array(target.size).fill(7));
      await conv.forward(input, targets.output);
      await conv.backwardInput(gradient, targets.inputGradient);
      await conv.backwardFilter(input, gradient, targets.filterGradient, targets.biasGradient);
    }
    for (const name of ["output", "inputGradient", "filterGradient", "biasGradient"] as const) {
      expect(await backend.read(targets[name]), name).toEqual(once[name]);
    }
  });

  it("has its gradients where the last window ends far before the next would begin, at the end of the memory too", async () => {
    // A stride's zeros behind the last row would be 1.4 MB.
    const shape = { batch: 1, height: 601, width: 601, channels: 1, filters: 1, kernel: 1, stride: 600, padding: 0 };
    const numbers = numbersFor(shape, 31);
    const { inputGradient, filterGradient } = await compute(create(), shape, numbers);
    const expected = new Float32Array(inputGradient.length);
    const corners = [0, 600, 600 * 601, 600 * 601 + 600];
    for (const [index, at] of corners.entries()) expected[at] = numbers.gradient[index]! * numbers.filter[0]!;
    expectClose(inputGradient, expected, 0);
    const sum = corners.reduce((total, at, index) => total + numbers.input[at]! * numbers.gradient[index]!, 0);
    expectClose(filterGradient, [sum], GRADIENT);
  });

  it("takes a stride beyond every side as one window, picture by picture", async () => {
    const shape = { batch: 3, height: 5, width: 7, channels: 2, filters: 3, kernel: 3, stride: 2 ** 52, padding: 1 };
    const numbers = numbersFor(shape, 32);
    const far = await compute(create(), shape, numbers);
    expect(far).toEqual(await compute(create(), { ...shape, stride: 9 }, numbers));
    expectClose(far.output, definition({ ...shape, stride: 9 }, numbers.input, numbers.filter, numbers.bias), FORWARD);
  });

  it("gives a picture the same bits whatever the others in the batch are, and alone", async () => {
    const backend = create();
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1000), async (anyShape, seed) => {
        const shape = { ...anyShape, batch: 3 };
        const numbers = numbersFor(shape, seed);
        const { input, gradient } = numbers;
        const lastOf = (values: Float32Array) => values.slice((values.length / 3) * 2);
        const first = await compute(backend, shape, numbers);
        const among = await compute(backend, shape, {
          ...numbers,
          input: input.slice().fill(9, 0, (input.length / 3) * 2),
          gradient: gradient.slice().fill(-9, 0, (gradient.length / 3) * 2),
        });
        const alone = await compute(
          backend,
          { ...shape, batch: 1 },
          { ...numbers, input: lastOf(input), gradient: lastOf(gradient) },
        );
        for (const name of ["output", "inputGradient"] as const) {
          expect(lastOf(among[name]), name).toEqual(lastOf(first[name]));
          expect(alone[name], name).toEqual(lastOf(first[name]));
        }
        expect(among.biasGradient).not.toEqual(first.biasGradient);
      }),
      { numRuns: 20, seed: 4 },
    );
  });

  it.each([
    { name: "direct", channels: 3, gradients: { input: true, filter: false } },
    { name: "direct", channels: 3, gradients: { input: false, filter: true } },
    { name: "Winograd", channels: 8, gradients: { input: true, filter: false } },
    { name: "Winograd", channels: 8, gradients: { input: false, filter: true } },
    { name: "Winograd", channels: 8, gradients: { input: false, filter: false } },
  ])("computes the same bits when only $gradients will be asked for ($name)", async ({ channels, gradients }) => {
    const backend = create();
    const shape = { batch: 2, height: 7, width: 6, channels, filters: 8, kernel: 3, stride: 1, padding: 1 };
    const numbers = numbersFor(shape, 23);
    const all = await compute(backend, shape, numbers);
    const conv = backend.conv2d({ input: [2, 7, 6, channels], filters: 8, kernel: 3, padding: 1, gradients });
    const input = await fill(backend, [2, 7, 6, channels], numbers.input);
    const outputGradient = await fill(backend, conv.outputShape, numbers.gradient);
    const [output, inputGradient] = [backend.tensor(conv.outputShape), backend.tensor(input.shape)];
    const [filterGradient, biasGradient] = [backend.tensor(conv.filterShape), backend.tensor([8])];
    await conv.prepare(await fill(backend, conv.filterShape, numbers.filter), await fill(backend, [8], numbers.bias));
    await conv.forward(input, output);
    expect(await backend.read(output)).toEqual(all.output);
    if (gradients.input) {
      await conv.backwardInput(outputGradient, inputGradient);
      expect(await backend.read(inputGradient)).toEqual(all.inputGradient);
    }
    if (gradients.filter) {
      await conv.backwardFilter(input, outputGradient, filterGradient, biasGradient);
      expect(await backend.read(filterGradient)).toEqual(all.filterGradient);
      expect(await backend.read(biasGradient)).toEqual(all.biasGradient);
    }
  });
});

describe("the algorithm of backend wasm", () => {
  it("is Winograd's for 3×3 with stride 1 and whole vectors of channels, else direct", () => {
    const shape = { input: [1, 20, 20, 64], filters: 64, kernel: 3, padding: 2 };
    expect(chooseAlgorithm(conv2dSizes(shape))).toBe("winograd");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, stride: 2 }))).toBe("direct");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, kernel: 5 }))).toBe("direct");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, filters: 10 }))).toBe("direct");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, input: [1, 32, 32, 3] }))).toBe("direct");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, input: [1, 20, 20, 12] }))).toBe("direct");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, padding: 3 }))).toBe("direct");
    // A tile is 4×4 outputs: smaller pictures would waste more than they gain.
    expect(chooseAlgorithm(conv2dSizes({ ...shape, padding: 0, input: [1, 6, 6, 64] }))).toBe("winograd");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, padding: 0, input: [1, 5, 20, 64] }))).toBe("direct");
    expect(chooseAlgorithm(conv2dSizes({ ...shape, padding: 0, input: [1, 20, 5, 64] }))).toBe("direct");
  });

  it.each([
    { name: "conv1", height: 32, channels: 3, filters: 32 },
    { name: "conv2", height: 34, channels: 32, filters: 32 },
    { name: "conv3", height: 18, channels: 32, filters: 64 },
    { name: "conv4", height: 20, channels: 64, filters: 64 },
  ])("errs by less than 1e-5 of the largest value on the network's $name", async ({ height, channels, filters }) => {
    const shape = { batch: 1, height, width: height, channels, filters, kernel: 3, stride: 1, padding: 2 };
    const numbers = numbersFor(shape, 11);
    const [reference, wasm] = backends;
    const exact = await compute(reference!.create(), shape, numbers);
    const fast = await compute(wasm!.create(), shape, numbers);
    const expected = definition(shape, numbers.input, numbers.filter, numbers.bias);
    expect(relativeError(fast.output, expected)).toBeLessThan(1e-5);
    expect(relativeError(fast.inputGradient, exact.inputGradient)).toBeLessThan(1e-5);
    expect(relativeError(fast.filterGradient, exact.filterGradient)).toBeLessThan(1e-5);
  });

  it("gives the same bits with 2 and with 4 vectors, in a memory of its own and in a region of a shared one", async () => {
    const [narrow, wide, region] = backends.slice(1).map(({ create }) => create());
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1000), async (shape, seed) => {
        const numbers = numbersFor(shape, seed);
        const expected = await compute(narrow!, shape, numbers);
        expect(await compute(wide!, shape, numbers)).toEqual(expected);
        expect(await compute(region!, shape, numbers)).toEqual(expected);
      }),
      { numRuns: 30, seed: 5 },
    );
  });
});
