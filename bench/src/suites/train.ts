import type { Suite } from "../suite.js";
import { JAX_JS_CAVEAT, TENSORFLOW_CAVEAT } from "./caveats.js";
import { RATIO_CHART, runCases, threadCounts } from "./comparisons.js";

/** Training beside the peers. */
export const train: Suite = {
  name: "train",
  summary: "a training step of the network (SGD, dropout 0.1), everyone from the same weights",
  chart: RATIO_CHART,
  caveats: [TENSORFLOW_CAVEAT, JAX_JS_CAVEAT],
  run: (context) =>
    runCases(
      context,
      "train",
      [...threadCounts().map((threads) => ({ batch: 64, threads })), { batch: 2, threads: 1 }],
      1e-3,
    ),
};
