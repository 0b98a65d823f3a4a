import { RandomStream } from "@cifar/tensor";
import type { Dataset, Normalisation } from "../../src/dataset.js";
import { conv2d, dropout, flatten, linear, maxPool2d, relu } from "../../src/layers.js";
import { Sequential } from "../../src/sequential.js";

/** A network small enough to be trained in a test, with every kind of layer. */
export function toyNetwork(options: { readonly seed?: number; readonly dropout?: number } = {}): Sequential {
  const { seed = 1, dropout: rate = 0.1 } = options;
  return new Sequential({
    input: [8, 8, 3],
    layers: [
      conv2d({ filters: 6, kernel: 3, padding: 1 }),
      relu(),
      dropout(rate),
      maxPool2d({ size: 2 }),
      conv2d({ filters: 8, kernel: 3 }),
      relu(),
      flatten(),
      linear({ outputs: 3 }),
    ],
  }).initialise({ method: "pytorch", seed });
}

export const TOY_NORMALISATION: Normalisation = { mean: [0.5, 0.4, 0.6], deviation: [0.25, 0.3, 0.2] };

/** Pictures of 8×8 with a bright bar across, down or nowhere, in noise: three classes that a network tells apart. */
export function toyPictures(options: { readonly count: number; readonly seed?: number }): Dataset {
  const { count, seed = 0 } = options;
  const images = new Uint8Array(count * 8 * 8 * 3);
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const random = new RandomStream({ seed, stream: 0, index: n });
    const label = n % 3;
    const place = random.nextBelow(8);
    labels[n] = label;
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) {
        const bright = (label === 0 && y === place) || (label === 1 && x === place);
        for (let c = 0; c < 3; c++) images[((n * 8 + y) * 8 + x) * 3 + c] = (bright ? 150 : 40) + random.nextBelow(60);
      }
    }
  }
  return { name: "bars", images, labels, shape: [8, 8, 3], classes: ["across", "down", "nowhere"], count };
}
