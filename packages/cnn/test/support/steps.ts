import { fit } from "@cifar/cnn";
import type { Backend } from "@cifar/tensor";
import { TOY_NORMALISATION, toyNetwork, toyPictures } from "./toys.js";

/** The losses of twenty training steps with everything that an optimiser does. */
export async function lossesOf(backend: Backend): Promise<number[]> {
  const losses: number[] = [];
  const options = {
    epochs: 2,
    batchSize: 16,
    optimiser: { learningRate: 0.02, weightDecay: 5e-4, muon: { learningRate: 0.01 } },
    labelSmoothing: 0.1,
    clipNorm: 1,
    normalisation: TOY_NORMALISATION,
    backend,
    threads: 1,
  };
  for await (const event of fit(toyNetwork(), { train: toyPictures({ count: 160 }) }, options)) {
    if (event.type === "step") losses.push(event.loss);
  }
  return losses;
}
