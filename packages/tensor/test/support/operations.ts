import type {
  Backend,
  Conv2dSpec,
  DropoutSpec,
  DType,
  LinearSpec,
  MaxPool2dSpec,
  MuonSpec,
  SgdSpec,
  Shape,
  SoftmaxCrossEntropySpec,
  SoftmaxSpec,
  SumSpec,
  Tensor,
} from "@cifar/tensor";

/*
 * Every operation with all that it computes, forward and backward, as something that can be set up on any backend and called
 * again. Needs no test runner, so it runs in pages.
 */

/** A backend under test, and where tensors with known values come from. */
export interface Bench {
  readonly backend: Backend;
  /** A tensor of random numbers, the same on every backend. */
  given(shape: Shape, change?: (value: number) => number): Promise<Tensor>;
  /** A tensor of these labels. */
  labels(values: readonly number[]): Promise<Tensor<"int32">>;
  /** Tensors full of NaN, so that values which were not written are noticed. */
  results<Names extends string>(shapes: Readonly<Record<Names, Shape>>): Promise<Record<Names, Tensor>>;
}

/** An operation that was set up with its tensors. */
interface SetUp {
  /** What {@link call} writes. */
  readonly results: Readonly<Record<string, Tensor<DType>>>;
  call(): Promise<void>;
}

/** An operation with its spec: what sets it up. */
export type Operation = (bench: Bench) => Promise<SetUp>;

/** Where an operation may write over what it reads. */
interface InPlace {
  readonly inPlace: boolean;
}

/** Gives only the gradients that the spec asks for, as only those may be called. */
export const conv2d =
  (spec: Conv2dSpec): Operation =>
  async ({ backend, given, results }) => {
    const conv = backend.conv2d(spec);
    const { gradients = { input: true, filter: true } } = spec;
    const [filter, bias] = [await given(conv.filterShape), await given([spec.filters])];
    const [input, gradient] = [await given(spec.input), await given(conv.outputShape)];
    const forward = await results({ output: conv.outputShape });
    const backward = gradients.input ? await results({ inputGradient: spec.input }) : undefined;
    const parameters = gradients.filter
      ? await results({ filterGradient: conv.filterShape, biasGradient: [spec.filters] })
      : undefined;
    return {
      results: { ...forward, ...backward, ...parameters },
      async call() {
        await conv.prepare(filter, bias);
        await conv.forward(input, forward.output);
        if (backward) await conv.backwardInput(gradient, backward.inputGradient);
        if (parameters) await conv.backwardFilter(input, gradient, parameters.filterGradient, parameters.biasGradient);
      },
    };
  };

/** Gives only the gradients that the spec asks for. */
export const linear =
  (spec: LinearSpec): Operation =>
  async ({ backend, given, results }) => {
    const { batch, inputs, outputs, gradients = { input: true, weight: true } } = spec;
    const operation = backend.linear(spec);
    const [weight, bias] = [await given([inputs, outputs]), await given([outputs])];
    const [input, gradient] = [await given([batch, inputs]), await given([batch, outputs])];
    const forward = await results({ output: [batch, outputs] });
    const backward = gradients.input ? await results({ inputGradient: [batch, inputs] }) : undefined;
    const parameters = gradients.weight
      ? await results({ weightGradient: [inputs, outputs], biasGradient: [outputs] })
      : undefined;
    return {
      results: { ...forward, ...backward, ...parameters },
      async call() {
        await operation.prepare(weight, bias);
        await operation.forward(input, forward.output);
        if (backward) await operation.backwardInput(gradient, backward.inputGradient);
        if (parameters) {
          await operation.backwardWeight(input, gradient, parameters.weightGradient, parameters.biasGradient);
        }
      },
    };
  };

/** Inputs are whole numbers, so that windows hold ties. */
export const maxPool2d =
  (spec: MaxPool2dSpec): Operation =>
  async ({ backend, given, results: make }) => {
    const pool = backend.maxPool2d(spec);
    const [input, gradient] = [await given(spec.input, Math.round), await given(pool.outputShape)];
    const results = await make({ output: pool.outputShape, inputGradient: spec.input });
    return {
      results,
      async call() {
        await pool.forward(input, results.output);
        await pool.backward(input, results.output, gradient, results.inputGradient);
      },
    };
  };

export const relu =
  ({ shape, inPlace }: { readonly shape: Shape } & InPlace): Operation =>
  async ({ backend, given, results: make }) => {
    const operation = backend.relu({ shape });
    const [input, gradient] = [await given(shape), await given(shape)];
    const results = inPlace
      ? { output: input, inputGradient: gradient }
      : await make({ output: shape, inputGradient: shape });
    return {
      results,
      async call() {
        await operation.forward(input, results.output);
        await operation.backward(results.output, gradient, results.inputGradient);
      },
    };
  };

export const dropout =
  ({ shape, rate, seed, inPlace }: DropoutSpec & InPlace & { readonly seed: number }): Operation =>
  async ({ backend, given, results: make }) => {
    const operation = backend.dropout({ shape, rate });
    const [input, gradient] = [await given(shape), await given(shape)];
    const mask = backend.tensor(operation.maskShape, "uint32");
    const results = inPlace
      ? { output: input, inputGradient: gradient }
      : await make({ output: shape, inputGradient: shape });
    return {
      results,
      async call() {
        await operation.forward(input, results.output, mask, { seed, stream: 1, step: 2, picture: 3 });
        await operation.backward(gradient, mask, results.inputGradient);
      },
    };
  };

/** One picture of the batch is absent. */
export const softmaxCrossEntropy =
  (spec: SoftmaxCrossEntropySpec & { readonly seed: number }): Operation =>
  async ({ backend, given, labels: label, results: make }) => {
    const { batch, classes, seed } = spec;
    const loss = backend.softmaxCrossEntropy(spec);
    const labels = await label(Array.from({ length: batch }, (_, n) => (n === 1 ? -1 : (seed + n) % classes)));
    const logits = await given([batch, classes], (value) => value * 20);
    const results = await make({ probabilities: [batch, classes], losses: [batch], gradient: [batch, classes] });
    return {
      results,
      async call() {
        await loss.forward(logits, labels, results.probabilities, results.losses);
        await loss.backward(results.probabilities, labels, 1 / batch, results.gradient);
      },
    };
  };

export const softmax =
  ({ batch, classes, inPlace }: SoftmaxSpec & InPlace): Operation =>
  async ({ backend, given, results: make }) => {
    const operation = backend.softmax({ batch, classes });
    const logits = await given([batch, classes], (value) => value * 30);
    const results = inPlace ? { probabilities: logits } : await make({ probabilities: [batch, classes] });
    return { results, call: async () => operation.forward(logits, results.probabilities) };
  };

export const sum =
  ({ shape, count }: SumSpec): Operation =>
  async ({ backend, given, results: make }) => {
    const operation = backend.sum({ shape, count });
    const inputs: Tensor[] = [];
    for (let k = 0; k < count; k++) inputs.push(await given(shape));
    const results = await make({ output: shape });
    return { results, call: async () => operation.forward(inputs, results.output) };
  };

export const sgd =
  (spec: SgdSpec): Operation =>
  async ({ backend, given }) => {
    const optimiser = backend.sgd(spec);
    const [parameter, gradient] = [await given(spec.shape), await given(spec.shape)];
    const velocity = await given(spec.shape, () => 0);
    return {
      results: { parameter, velocity },
      async call() {
        // Whole numbers and fractions by turns: gpu.js tells them apart.
        for (const learningRate of [1, 0.1, 0.05]) {
          await optimiser.step(parameter, gradient, velocity, { learningRate, weightDecay: 0.01, gradientScale: 1 });
          await optimiser.step(parameter, gradient, velocity, { learningRate, weightDecay: 0, gradientScale: 0.5 });
        }
      },
    };
  };

export const muon =
  (spec: MuonSpec): Operation =>
  async ({ backend, given }) => {
    const optimiser = backend.muon(spec);
    const [parameter, gradient] = [await given(spec.shape), await given(spec.shape)];
    const velocity = await given(spec.shape, () => 0);
    const step = { learningRate: 0.1, weightDecay: 0.01, gradientScale: 0.5 };
    return {
      results: { parameter, velocity },
      async call() {
        for (let k = 0; k < 2; k++) await optimiser.step(parameter, gradient, velocity, step);
      },
    };
  };
