import { type Backend, type DType, RandomStream, type Shape, type Tensor } from "@cifar/tensor";
import { createReferenceBackend } from "@cifar/tensor/reference";

/** How far an operation's result is from the reference's, relative to the largest value. */
export interface Agreement {
  readonly what: string;
  readonly error: number;
}

/** The same calls on two backends, on random numbers; the results' distances. Needs no test runner, so it runs in pages. */
export async function compareWithReference(backend: Backend, seed: number): Promise<Agreement[]> {
  const random = new RandomStream({ seed, stream: 0 });
  const whole = (from: number, to: number) => from + Math.floor(random.nextUniform() * (to - from + 1));
  const comparison = new Comparison([createReferenceBackend(), backend], random);
  const [batch, channels, filters] = [whole(1, 4), whole(1, 5), whole(1, 6)];
  const [height, width, kernel] = [whole(5, 8), whole(5, 8), whole(1, 4)];
  const [stride, padding] = [whole(1, 3), whole(0, 2)];
  const input: Shape = [batch, height, width, channels];

  for (const relu of [false, true]) {
    await comparison.check(`conv2d${relu ? " with relu" : ""}`, async (run) => {
      const conv = run.backend.conv2d({ input, filters, kernel, stride, padding, relu });
      await conv.prepare(await run.given(conv.filterShape), await run.given([filters]));
      const [x, gradient] = [await run.given(input), await run.given(conv.outputShape)];
      const result = await run.results({
        output: conv.outputShape,
        inputGradient: input,
        filterGradient: conv.filterShape,
        biasGradient: [filters],
      });
      await conv.forward(x, result.output);
      await conv.backwardInput(gradient, result.inputGradient);
      await conv.backwardFilter(x, gradient, result.filterGradient, result.biasGradient);
      return result;
    });
  }
  await comparison.check("maxPool2d", async (run) => {
    const pool = run.backend.maxPool2d({ input, size: 2 + (seed % 2), stride: 1 + (seed % 3) });
    const [x, gradient] = [await run.given(input, Math.round), await run.given(pool.outputShape)];
    const result = await run.results({ output: pool.outputShape, inputGradient: input });
    await pool.forward(x, result.output);
    await pool.backward(x, result.output, gradient, result.inputGradient);
    return result;
  });
  await comparison.check("relu", async (run) => {
    const relu = run.backend.relu({ shape: input });
    const [x, gradient] = [await run.given(input), await run.given(input)];
    await relu.forward(x, x);
    await relu.backward(x, gradient, gradient);
    return { output: x, inputGradient: gradient };
  });
  await comparison.check("dropout", async (run) => {
    const dropout = run.backend.dropout({ shape: input, rate: 0.4 });
    const [x, gradient] = [await run.given(input), await run.given(input)];
    const mask = run.backend.tensor(dropout.maskShape, "uint32");
    await dropout.forward(x, x, mask, { seed, stream: 1, step: 2, picture: 3 });
    await dropout.backward(gradient, mask, gradient);
    return { output: x, inputGradient: gradient };
  });
  await comparison.check("linear", async (run) => {
    const linear = run.backend.linear({ batch, inputs: height * width, outputs: filters });
    await linear.prepare(await run.given([height * width, filters]), await run.given([filters]));
    const [x, gradient] = [await run.given([batch, height * width]), await run.given([batch, filters])];
    const result = await run.results({
      output: [batch, filters],
      inputGradient: [batch, height * width],
      weightGradient: [height * width, filters],
      biasGradient: [filters],
    });
    await linear.forward(x, result.output);
    await linear.backwardInput(gradient, result.inputGradient);
    await linear.backwardWeight(x, gradient, result.weightGradient, result.biasGradient);
    return result;
  });
  for (const labelSmoothing of [0, 0.2]) {
    await comparison.check(`softmaxCrossEntropy, smoothing ${labelSmoothing}`, async (run) => {
      const loss = run.backend.softmaxCrossEntropy({ batch, classes: 10, labelSmoothing });
      const labels = run.backend.tensor([batch], "int32");
      await run.backend.write(
        labels,
        Int32Array.from({ length: batch }, (_, n) => (n === 1 ? -1 : (seed + n) % 10)),
      );
      const logits = await run.given([batch, 10], (value) => value * 20);
      const result = await run.results({ probabilities: [batch, 10], losses: [batch], gradient: [batch, 10] });
      await loss.forward(logits, labels, result.probabilities, result.losses);
      await loss.backward(result.probabilities, labels, 1 / batch, result.gradient);
      return result;
    });
  }
  await comparison.check("softmax", async (run) => {
    const x = await run.given([batch, filters], (value) => value * 30);
    await run.backend.softmax({ batch, classes: filters }).forward(x, x);
    return { probabilities: x };
  });
  await comparison.check("sum", async (run) => {
    const count = 1 + (seed % 7);
    const inputs: Tensor[] = [];
    for (let k = 0; k < count; k++) inputs.push(await run.given(input));
    const result = await run.results({ output: input });
    await run.backend.sum({ shape: input, count }).forward(inputs, result.output);
    return result;
  });
  for (const nesterov of [false, true]) {
    await comparison.check(`sgd${nesterov ? ", Nesterov" : ""}`, async (run) => {
      const optimiser = run.backend.sgd({ shape: input, momentum: 0.9, nesterov });
      const [parameter, gradient] = [await run.given(input), await run.given(input)];
      const velocity = run.backend.tensor(input);
      // Whole numbers and fractions by turns: gpu.js tells them apart.
      for (const learningRate of [1, 0.1, 0.05]) {
        await optimiser.step(parameter, gradient, velocity, { learningRate, weightDecay: 0.01, gradientScale: 1 });
        await optimiser.step(parameter, gradient, velocity, { learningRate, weightDecay: 0, gradientScale: 0.5 });
      }
      return { parameter, velocity };
    });
  }
  for (const shape of [
    [kernel, kernel, channels, filters],
    [3, 17],
  ]) {
    await comparison.check(`muon on ${shape.join("×")}`, async (run) => {
      const optimiser = run.backend.muon({ shape, momentum: 0.6 });
      const [parameter, gradient] = [await run.given(shape), await run.given(shape)];
      const velocity = run.backend.tensor(shape);
      for (let step = 0; step < 2; step++) {
        await optimiser.step(parameter, gradient, velocity, {
          learningRate: 0.1,
          weightDecay: 0.01,
          gradientScale: 0.5,
        });
      }
      return { parameter, velocity };
    });
  }
  return comparison.agreements;
}

/** One side of a comparison. */
interface Run {
  readonly backend: Backend;
  /** A tensor of random numbers, the same on both sides. */
  given(shape: Shape, change?: (value: number) => number): Promise<Tensor>;
  /** Tensors full of sevens, so that values which were not written are noticed. */
  results<Names extends string>(shapes: Readonly<Record<Names, Shape>>): Promise<Record<Names, Tensor>>;
}

class Comparison {
  readonly agreements: Agreement[] = [];
  readonly #backends: readonly Backend[];
  readonly #random: RandomStream;

  constructor(backends: readonly Backend[], random: RandomStream) {
    this.#backends = backends;
    this.#random = random;
  }

  async check(what: string, work: (run: Run) => Promise<Readonly<Record<string, Tensor<DType>>>>): Promise<void> {
    const seed = Math.floor(this.#random.nextUniform() * 2 ** 31);
    const [expected, actual] = await Promise.all(
      this.#backends.map(async (backend) => {
        const random = new RandomStream({ seed, stream: 0 });
        const results = await work({
          backend,
          async given(shape, change = (value) => value) {
            const target = backend.tensor(shape);
            await backend.write(
              target,
              Float32Array.from({ length: target.size }, () => change(random.nextNormal())),
            );
            return target;
          },
          async results(shapes) {
            const targets: Record<string, Tensor> = {};
            for (const [name, shape] of Object.entries<Shape>(shapes)) {
              const target = backend.tensor(shape);
              await backend.write(target, new Float32Array(target.size).fill(7));
              targets[name] = target;
            }
            return targets as never;
          },
        });
        const values = new Map<string, Float32Array>();
        for (const [name, tensor] of Object.entries(results)) values.set(name, await backend.read(tensor as Tensor));
        return values;
      }),
    );
    for (const [name, values] of expected!) {
      this.agreements.push({ what: `${what}: ${name}`, error: distance(actual!.get(name)!, values) });
    }
  }
}

function distance(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let difference = 0;
  for (const [i, value] of expected.entries()) {
    largest = Math.max(largest, Math.abs(value));
    const here = Math.abs(actual[i]! - value);
    // NaN compares with nothing: it must not pass unseen.
    if (!(here <= difference)) difference = here;
  }
  return difference === 0 ? 0 : difference / largest;
}
