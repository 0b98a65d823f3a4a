import { describe, expect, it } from "vitest";
import { conv2d, flatten, type LayerDescription, linear, maxPool2d } from "../src/layers.js";
import { placeLayers } from "../src/place.js";

const place = (input: readonly number[], ...layers: readonly LayerDescription[]) => placeLayers({ input, layers });
const SIDE = 2 ** 14;

describe("placed layers", () => {
  // Nothing is allocated: 2^28 values are what a tensor may hold.
  it.each([
    {
      what: "input",
      at: () => place([SIDE, SIDE, 1]),
      past: () => place([SIDE, SIDE + 1, 1]),
      refusal: "network: input: [16384, 16385, 1] is more than 268435456 values",
    },
    {
      what: "output of a convolution",
      at: () => place([SIDE / 2, SIDE, 1], conv2d({ filters: 2, kernel: 1 })),
      past: () => place([SIDE / 2, SIDE, 1], conv2d({ filters: 3, kernel: 1 })),
      refusal: "layer 0 (conv2d): [8192, 16384, 3] is more than 268435456 values",
    },
    {
      what: "filters",
      at: () => place([2, 2, SIDE], conv2d({ filters: SIDE / 4, kernel: 2 })),
      past: () => place([2, 2, SIDE], conv2d({ filters: SIDE / 4 + 1, kernel: 2 })),
      refusal: "layer 0 (conv2d): [2, 2, 16384, 4097] is more than 268435456 values",
    },
    {
      what: "weights",
      at: () => place([1, 1, SIDE], flatten(), linear({ outputs: SIDE })),
      past: () => place([1, 1, SIDE], flatten(), linear({ outputs: SIDE + 1 })),
      refusal: "layer 1 (linear): [16384, 16385] is more than 268435456 values",
    },
    {
      what: "kernel, with its padding",
      at: () => place([5, 7, 1], conv2d({ filters: 1, kernel: 9, padding: 2 })),
      past: () => place([5, 7, 1], conv2d({ filters: 1, kernel: 10, padding: 2 })),
      refusal: "layer 0 (conv2d): a window of 10 does not fit into 5 values padded by 2",
    },
    {
      what: "window",
      at: () => place([5, 7, 1], maxPool2d({ size: 5 })),
      past: () => place([5, 7, 1], maxPool2d({ size: 6 })),
      refusal: "layer 0 (maxPool2d): a window of 6 does not fit into 5 values padded by 0",
    },
  ])("take the largest $what that can be, and refuse one more", ({ at, past, refusal }) => {
    expect(at).not.toThrow();
    expect(past).toThrow(refusal);
  });
});
