import { shapesSplits } from "@cifar/cifar";
import { cifarCnn, fit } from "@cifar/cnn";
import { createWasmBackend } from "@cifar/tensor";
import { enableRevectorization } from "@cifar/tensor/node";
import { formatPercent } from "../statistics.js";
import { type Ledger, timedBackend } from "../stopwatch.js";
import type { Suite, SuiteContext, Table } from "../suite.js";

const BATCH = 64;
/** Until V8 has optimised everything. */
const WARM_UP = 20;

/** Parts of a step: the first whose pattern fits an operation's name takes its time. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^conv2d \d prepare/, "filters taken up"],
  [/^conv2d (\d) forward/, "conv$1 forward"],
  [/^conv2d (\d) backwardInput/, "conv$1 input gradient"],
  [/^conv2d (\d) backwardFilter/, "conv$1 filter gradient"],
  [/^linear/, "linear, all three"],
  [/^maxPool2d/, "max-pooling, both ways"],
  [/^relu/, "ReLU backward"],
  [/^dropout/, "dropout, both ways"],
  [/^softmaxCrossEntropy/, "softmax cross-entropy"],
  [/^sum/, "gradients of the shards added"],
  [/^sgd/, "the optimiser's update"],
];

const TITLE = "one training step, 1 thread";

/** Where the time of a training step goes. */
export const profile: Suite = {
  name: "profile",
  summary: `where the time of a training step goes: recipe \`paper\`, batches of ${BATCH}, backend wasm, one thread`,
  run: async (context) => (TITLE.includes(context.filter) ? [await measure(context)] : []),
};

async function measure({ quick, progress }: SuiteContext): Promise<Table> {
  enableRevectorization();
  const steps = quick ? 10 : 100;
  const { train } = shapesSplits({ train: BATCH * (WARM_UP + steps), test: 10 });
  const ledger: Ledger = new Map();
  const wasm = createWasmBackend();
  progress(wasm.description);
  const options = {
    epochs: 1,
    batchSize: BATCH,
    optimiser: { learningRate: 0.01 },
    normalisation: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    threads: 1,
    backend: timedBackend(wasm, ledger),
  };
  let start = 0;
  let total = 0;
  for await (const event of fit(cifarCnn(), { train }, options)) {
    if (event.type !== "step") continue;
    if (event.step === WARM_UP) {
      for (const name of ledger.keys()) ledger.set(name, 0);
      start = performance.now();
    }
    total = performance.now() - start;
  }
  wasm.close();
  const parts = addUp(ledger);
  const kernels = [...parts.values()].reduce((sum, milliseconds) => sum + milliseconds, 0);
  const row = (name: string, milliseconds: number): (string | number)[] => [
    name,
    (milliseconds / steps).toFixed(2),
    formatPercent(milliseconds / total, 1),
  ];
  return {
    title: TITLE,
    columns: ["part", "ms a step", "of the step"],
    rows: [
      ...[...parts].map(([name, milliseconds]) => row(name, milliseconds)),
      row("pictures put together, the loop, events", total - kernels),
      row("the step", total),
    ],
    notes: [wasm.description, `means of ${steps} steps of ${BATCH} pictures, in shards of ${wasm.shardSize}`],
  };
}

function addUp(ledger: Ledger): Ledger {
  const parts: Ledger = new Map();
  for (const [operation, milliseconds] of ledger) {
    const [pattern, name] = PARTS.find(([candidate]) => candidate.test(operation)) ?? [/.*/, "other operations"];
    const part = operation.match(pattern)![0].replace(pattern, name);
    if (milliseconds > 0) parts.set(part, (parts.get(part) ?? 0) + milliseconds);
  }
  return parts;
}
