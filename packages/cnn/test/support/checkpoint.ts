import type { Checkpoint } from "../../src/checkpoint.js";
import { fit } from "../../src/fit.js";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./toys.js";

/** A checkpoint after the first of four steps, with everything that an optimiser keeps. */
export async function takeCheckpoint(): Promise<Checkpoint> {
  const options = {
    epochs: 2,
    batchSize: 20,
    optimiser: { learningRate: 0.05, muon: { learningRate: 0.02 } },
    schedule: { type: "triangular", peakAt: 0.3, start: 0.1, end: 0 },
    averaging: { decay: 0.9 },
    clipNorm: 1,
    whitening: {},
    normalisation: TOY_NORMALISATION,
    backend: "reference",
    threads: 1,
  } as const;
  for await (const event of fit(toyNetwork(), { train: toyPictures({ count: 30 }) }, options)) {
    if (event.type === "step") return event.checkpoint();
  }
  throw new Error("there was no step");
}
