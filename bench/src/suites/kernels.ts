import { type Backend, createWasmBackend, type Tensor } from "@cifar/tensor";
import { enableRevectorization } from "@cifar/tensor/node";
import { createReferenceBackend } from "@cifar/tensor/reference";
import { Bench } from "tinybench";
import { multiplyAddCeiling } from "../ceiling.js";
import { formatPercent, formatRatio, summarise } from "../statistics.js";
import type { Suite, SuiteContext, Table } from "../suite.js";

/** Pictures in a shard, as training takes them. */
const BATCH = 8;

const CEILING = "of the ceiling";

/** The convolutions of the network: side and channels of the input, filters. */
const CONVOLUTIONS = [
  { name: "conv1", side: 32, channels: 3, filters: 32 },
  { name: "conv2", side: 34, channels: 32, filters: 32 },
  { name: "conv3", side: 18, channels: 32, filters: 64 },
  { name: "conv4", side: 20, channels: 64, filters: 64 },
] as const;

interface Kernel {
  readonly name: string;
  /** Floating-point operations of the definition, for the whole batch; undefined where bytes count. */
  readonly operations?: number;
  readonly run: () => unknown;
}

/** Each operation of the network alone. */
export const kernels: Suite = {
  name: "kernels",
  summary: "each operation of the network alone, one thread, beside the machine's ceiling",
  chart: {
    column: CEILING,
    axis: "of the machine's multiply-add ceiling, in percent; operations are those of the definition",
    scale: "linear",
    reference: 100,
  },
  async run(context) {
    const wide = enableRevectorization();
    context.progress(`256-bit re-vectorisation: ${wide.reason}`);
    const ceiling = multiplyAddCeiling(wide.enabled);
    const wasm = createWasmBackend();
    const fast = await time(wasm, context);
    const reference = createReferenceBackend();
    const plain = await time(reference, context);
    return [wasmTable(wasm, fast, ceiling), referenceTable(reference, plain, fast)].filter(
      ({ rows }) => rows.length > 0,
    );
  },
};

interface Timed {
  readonly name: string;
  /** Median for a batch, in ms. */
  readonly milliseconds: number;
  /** GFLOP/s; undefined where bytes count. */
  readonly speed: number | undefined;
}

/**
 * Times each kernel whose name, behind that of its backend, contains the filter. All are warmed up before the first is timed,
 * so that V8, which optimises beside them, has time for the largest.
 */
async function time(backend: Backend, { filter, quick, progress }: SuiteContext): Promise<readonly Timed[]> {
  progress(backend.description);
  const kernels = networkKernels(backend).filter(({ name }) => `${backend.name} ${name}`.includes(filter));
  const bench = new Bench({
    ...(quick ? { time: 50, warmupTime: 100 } : { time: 250, warmupTime: 300 }),
    iterations: quick ? 2 : 5,
    warmupIterations: quick ? 1 : 2,
    retainSamples: true,
  });
  for (const { name, run } of kernels) {
    bench.add(name, () => {
      run();
    });
  }
  const tasks = await bench.run();
  return kernels.map(({ name, operations }, index) => {
    const result = tasks[index]?.result;
    if (result?.state !== "completed") throw new Error(`${name} on ${backend.name} could not be timed`);
    const { median } = summarise(result.latency.samples ?? []);
    return { name, milliseconds: median, speed: operations === undefined ? undefined : operations / median / 1e6 };
  });
}

/** The cells that both backends have. */
function figures({ name, milliseconds, speed }: Timed): readonly string[] {
  return [name, ((milliseconds / BATCH) * 1000).toFixed(1), speed?.toFixed(1) ?? ""];
}

function wasmTable(backend: Backend, timed: readonly Timed[], ceiling: number): Table {
  return {
    title: `wasm, batches of ${BATCH}`,
    columns: ["kernel", "µs a picture", "GFLOP/s", CEILING],
    rows: timed.map((one) => [...figures(one), one.speed === undefined ? "" : formatPercent(one.speed / ceiling, 0)]),
    notes: [
      backend.description,
      `ceiling: ${ceiling.toFixed(1)} GFLOP/s, an emitted loop of nothing but multiplications and additions`,
      "GFLOP/s counts the operations of the definition: Winograd makes fewer, so it can pass the ceiling",
    ],
  };
}

function referenceTable(backend: Backend, timed: readonly Timed[], fast: readonly Timed[]): Table {
  return {
    title: `reference, batches of ${BATCH}`,
    columns: ["kernel", "µs a picture", "GFLOP/s", "wasm is faster by"],
    rows: timed.map((one) => {
      const same = fast.find(({ name }) => name === one.name);
      return [...figures(one), same === undefined ? "" : formatRatio(one.milliseconds / same.milliseconds)];
    }),
    notes: [backend.description],
  };
}

function networkKernels(backend: Backend): readonly Kernel[] {
  return [
    ...CONVOLUTIONS.flatMap((convolution) => convolutionKernels(backend, convolution)),
    ...linearKernels(backend),
    ...elementwiseKernels(backend),
  ];
}

/** A tensor of numbers between −1 and 1, none of them special. */
function filled(backend: Backend, shape: readonly number[]): Tensor {
  const tensor = backend.tensor(shape);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = ((i * 7919) % 2003) / 1001.5 - 1;
  return tensor;
}

function convolutionKernels(backend: Backend, spec: (typeof CONVOLUTIONS)[number]): readonly Kernel[] {
  const { name, side, channels, filters } = spec;
  const shape = [BATCH, side, side, channels];
  // Nobody asks for the gradient of the pictures.
  const inner = name !== "conv1";
  const conv = backend.conv2d({
    input: shape,
    filters,
    kernel: 3,
    padding: 2,
    relu: true,
    gradients: { input: inner, filter: true },
  });
  const input = filled(backend, shape);
  const output = filled(backend, conv.outputShape);
  const filter = filled(backend, conv.filterShape);
  const bias = filled(backend, [filters]);
  const inputGradient = backend.tensor(shape);
  const filterGradient = backend.tensor(conv.filterShape);
  const biasGradient = backend.tensor([filters]);
  conv.prepare(filter, bias);
  const operations = 2 * output.size * 9 * channels;
  const forward: Kernel = { name: `${name} forward`, operations, run: () => conv.forward(input, output) };
  const backward: Kernel = {
    name: `${name} filter gradient`,
    operations,
    run: () => conv.backwardFilter(input, output, filterGradient, biasGradient),
  };
  if (!inner) return [forward, backward];
  const back = { name: `${name} input gradient`, operations, run: () => conv.backwardInput(output, inputGradient) };
  return [forward, back, backward];
}

function linearKernels(backend: Backend): readonly Kernel[] {
  const inputs = 7744;
  const outputs = 10;
  const linear = backend.linear({ batch: BATCH, inputs, outputs });
  const input = filled(backend, [BATCH, inputs]);
  const output = filled(backend, [BATCH, outputs]);
  const weight = filled(backend, [inputs, outputs]);
  const bias = filled(backend, [outputs]);
  const inputGradient = backend.tensor([BATCH, inputs]);
  const weightGradient = backend.tensor([inputs, outputs]);
  const biasGradient = backend.tensor([outputs]);
  linear.prepare(weight, bias);
  const operations = 2 * BATCH * inputs * outputs;
  return [
    { name: "linear forward", operations, run: () => linear.forward(input, output) },
    { name: "linear input gradient", operations, run: () => linear.backwardInput(output, inputGradient) },
    {
      name: "linear weight gradient",
      operations,
      run: () => linear.backwardWeight(input, output, weightGradient, biasGradient),
    },
  ];
}

function elementwiseKernels(backend: Backend): readonly Kernel[] {
  const dropped = [BATCH, 34, 34, 32];
  const dropout = backend.dropout({ shape: dropped, rate: 0.1 });
  const values = filled(backend, dropped);
  const mask = backend.tensor(dropout.maskShape, "uint32");
  const key = { seed: 1, stream: 2, step: 3, picture: 0 };
  const relu = backend.relu({ shape: dropped });
  const pooled = [BATCH, 36, 36, 32];
  const pool = backend.maxPool2d({ input: pooled, size: 2 });
  const poolInput = filled(backend, pooled);
  const poolOutput = filled(backend, pool.outputShape);
  const poolGradient = backend.tensor(pooled);
  const cross = backend.softmaxCrossEntropy({ batch: BATCH, classes: 10 });
  const logits = filled(backend, [BATCH, 10]);
  const probabilities = backend.tensor([BATCH, 10]);
  const labels = backend.tensor([BATCH], "int32");
  const losses = backend.tensor([BATCH]);
  return [
    { name: "dropout 34×34×32 forward", run: () => dropout.forward(values, values, mask, key) },
    { name: "dropout 34×34×32 backward", run: () => dropout.backward(values, mask, values) },
    { name: "relu 34×34×32 backward", run: () => relu.backward(values, values, values) },
    { name: "maxPool2d 36×36×32 forward", run: () => pool.forward(poolInput, poolOutput) },
    {
      name: "maxPool2d 36×36×32 backward",
      run: () => pool.backward(poolInput, poolOutput, poolOutput, poolGradient),
    },
    { name: "softmaxCrossEntropy forward", run: () => cross.forward(logits, labels, probabilities, losses) },
  ];
}
