import { conv2d, dropout as dropoutLayer, flatten, linear, maxPool2d, relu } from "./layers.js";
import { Sequential } from "./sequential.js";

/**
 * The network for CIFAR-10: two blocks of two 3×3 convolutions and max-pooling, then one linear layer. Padding 2 lets
 * the sides grow (32, 34, 36, 18, 20, 22, 11). 143,018 parameters, initialised as PyTorch does.
 * @param options `dropout`: rate after the first convolution of each block, default 0.1; `seed` of the parameters,
 * default 0
 */
export function cifarCnn(options: { readonly dropout?: number; readonly seed?: number } = {}): Sequential {
  const { dropout = 0.1, seed = 0 } = options;
  const block = (filters: number) => [
    conv2d({ filters, kernel: 3, padding: 2 }),
    relu(),
    dropoutLayer(dropout),
    conv2d({ filters, kernel: 3, padding: 2 }),
    relu(),
    maxPool2d({ size: 2 }),
  ];
  const layers = [...block(32), ...block(64), flatten(), linear({ outputs: 10 })];
  return new Sequential({ input: [32, 32, 3], layers }).initialise({ method: "pytorch", seed });
}
