import type { Suite } from "../suite.js";
import { JAX_JS_CAVEAT, ONE_PICTURE_CAVEAT, TENSORFLOW_CAVEAT } from "./caveats.js";
import { RATIO_CHART, runCases, threadCounts } from "./comparisons.js";

/** Classification beside the peers. */
export const infer: Suite = {
  name: "infer",
  summary: "classifying pictures with the network, everyone from the same weights",
  chart: RATIO_CHART,
  caveats: [ONE_PICTURE_CAVEAT, JAX_JS_CAVEAT, TENSORFLOW_CAVEAT],
  run: (context) =>
    runCases(
      context,
      "infer",
      [{ batch: 1, threads: 1 }, ...threadCounts().map((threads) => ({ batch: 64, threads }))],
      1e-4,
    ),
};
