import type { Backend } from "../backend.js";
import { hostTensor } from "../tensor.js";
import { conv2d } from "./conv2d.js";
import { dropout } from "./dropout.js";
import { linear } from "./linear.js";
import { maxPool2d } from "./max-pool2d.js";
import { muon } from "./muon.js";
import { relu } from "./relu.js";
import { sgd } from "./sgd.js";
import { softmax } from "./softmax.js";
import { softmaxCrossEntropy } from "./softmax-cross-entropy.js";
import { sum } from "./sum.js";

/** The backend in plain TypeScript: it defines what every operation computes, and runs everywhere. */
export function createReferenceBackend(): Backend {
  return {
    name: "reference",
    description: "reference (plain TypeScript)",
    shardSize: 8,
    tensor: (shape, dtype) => hostTensor(shape, dtype ?? "float32") as never,
    write: (target: { data: { set(values: ArrayLike<number>): void } }, values: ArrayLike<number>) => {
      target.data.set(values);
    },
    read: async (source) => source.data.slice(),
    conv2d,
    maxPool2d,
    relu,
    dropout,
    linear,
    softmaxCrossEntropy,
    softmax,
    sum,
    sgd,
    muon,
    close() {},
  };
}
