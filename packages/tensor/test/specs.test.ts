import { describe, expect, it } from "vitest";
import { formatShape, hostTensor, sameShape, sizeOf, TensorError, tensor } from "../src/index.js";
import { checkShape } from "../src/shape.js";
import {
  conv2dSizes,
  linearSizes,
  maxPool2dSizes,
  sgdSizes,
  softmaxCrossEntropySizes,
  softmaxSizes,
  sumSizes,
} from "../src/specs.js";
import { backends } from "./support/backends.js";

/** The message of the TensorError that a call throws. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(TensorError);
    expect((error as TensorError).message).not.toContain("\n");
    return `${(error as TensorError).code}: ${(error as TensorError).message}`;
  }
  throw new Error("nothing was thrown");
}

describe.each(backends)("specs on $name", ({ create }) => {
  const backend = create();
  const conv = { input: [1, 8, 8, 3], filters: 4, kernel: 3 };

  it.each([
    [
      () => backend.conv2d({ ...conv, input: [8, 8, 3] }),
      /conv2d: input must have shape \[batch, height, width, channels\].*\[8, 8, 3\]/,
    ],
    [
      () => backend.conv2d({ ...conv, input: [1, 8, 8, 3, 1] }),
      /conv2d: input must have shape \[batch, height, width, channels\].*\[1, 8, 8, 3, 1\]/,
    ],
    [() => backend.conv2d({ ...conv, input: [1, 8, 0, 3] }), /conv2d: every dimension.*at least 1.*\[1, 8, 0, 3\]/],
    [() => backend.conv2d({ ...conv, kernel: 0 }), /conv2d: kernel must be a whole number of at least 1, but is 0/],
    [() => backend.conv2d({ ...conv, stride: 0 }), /conv2d: stride must be a whole number of at least 1, but is 0/],
    [() => backend.conv2d({ ...conv, filters: 0 }), /conv2d: filters must be a whole number of at least 1, but is 0/],
    [() => backend.conv2d({ ...conv, stride: 1.5 }), /conv2d: stride must be a whole number/],
    [() => backend.conv2d({ ...conv, padding: -1 }), /conv2d: padding must be a whole number of at least 0, but is -1/],
    [() => backend.conv2d({ ...conv, kernel: 9 }), /conv2d: a window of 9 does not fit into 8 values padded by 0/],
    [() => backend.maxPool2d({ input: [1, 1, 8, 3], size: 2 }), /maxPool2d: a window of 2 does not fit into 1/],
    [() => backend.maxPool2d({ input: [8, 8, 3], size: 2 }), /maxPool2d: input must have shape .*\[8, 8, 3\]/],
    [() => backend.maxPool2d({ input: [1, 8, 8, 3], size: 0 }), /maxPool2d: size must be .* at least 1, but is 0/],
    [() => backend.maxPool2d({ input: [1, 8, 8, 3], size: 2, stride: -2 }), /maxPool2d: stride must be .*, but is -2/],
    [() => backend.relu({ shape: [2, 1.5] }), /relu: every dimension must be a whole number.*\[2, 1.5\]/],
    [() => backend.dropout({ shape: [1, 3], rate: -0.1 }), /dropout: rate must be .*, but is -0.1/],
    [() => backend.dropout({ shape: [1, 3], rate: Number.NaN }), /dropout: rate must be .*, but is NaN/],
    [() => backend.dropout({ shape: [1, 3], rate: 1 }), /dropout: rate must be at least 0 and below 1, but is 1/],
    [() => backend.dropout({ shape: [1, 0], rate: 0.5 }), /dropout: every dimension.*\[1, 0\]/],
    [() => backend.linear({ batch: 1, inputs: Number.NaN, outputs: 1 }), /linear: inputs.*NaN/],
    [() => backend.linear({ batch: 0, inputs: 1, outputs: 1 }), /linear: batch must be .*, but is 0/],
    [() => backend.linear({ batch: 1, inputs: 1, outputs: 2.5 }), /linear: outputs must be .*, but is 2.5/],
    [() => backend.softmaxCrossEntropy({ batch: 0, classes: 2 }), /softmaxCrossEntropy: batch must be .*, but is 0/],
    [() => backend.softmaxCrossEntropy({ batch: 1, classes: 0 }), /softmaxCrossEntropy: classes must be .*, but is 0/],
    [
      () => backend.softmaxCrossEntropy({ batch: 1, classes: 2, labelSmoothing: 1 }),
      /softmaxCrossEntropy: labelSmoothing must be at least 0 and below 1, but is 1/,
    ],
    [() => backend.softmax({ batch: 0, classes: 2 }), /softmax: batch/],
    [() => backend.softmax({ batch: 1, classes: -1 }), /softmax: classes must be .*, but is -1/],
    [() => backend.sum({ shape: [1], count: 0 }), /sum: count/],
    [() => backend.sum({ shape: [0], count: 2 }), /sum: every dimension.*\[0\]/],
    [() => backend.sgd({ shape: [-1] }), /sgd: every dimension.*\[-1\]/],
    [() => backend.sgd({ shape: [1], momentum: -0.5 }), /sgd: momentum must be .*, but is -0.5/],
    [() => backend.muon({ shape: [2, 2], momentum: 1 }), /muon: momentum must be .*, but is 1/],
    [() => backend.sgd({ shape: [1], momentum: 1 }), /sgd: momentum must be at least 0 and below 1, but is 1/],
    [() => backend.sgd({ shape: [1], nesterov: true }), /sgd: nesterov needs a momentum above 0/],
    [() => backend.muon({ shape: [4] }), /muon: needs a matrix or filters, but the shape is \[4\]/],
    [() => backend.tensor([2, -1]), /tensor: every dimension.*\[2, -1\]/],
  ])("refuse what cannot be, in one line that says what was expected: %s", (call, message) => {
    expect(refusal(call)).toMatch(message);
    expect(refusal(call)).toMatch(/^INVALID_ARGUMENT/);
  });
});

describe("a spec's limits", () => {
  const side = 2 ** 14;
  const conv = { input: [1, 8, 8, 3], filters: 4, kernel: 3 };
  /** 1×1 with a stride that leaves one output, so that other sizes may be large. */
  const point = { input: [1, 2, 2, 1], filters: 1, kernel: 1, stride: 2 ** 20 };

  it.each([
    { what: "kernel", at: () => conv2dSizes({ ...conv, kernel: 8 }), past: () => conv2dSizes({ ...conv, kernel: 9 }) },
    {
      what: "kernel with padding",
      at: () => conv2dSizes({ ...conv, kernel: 12, padding: 2 }),
      past: () => conv2dSizes({ ...conv, kernel: 13, padding: 2 }),
    },
    {
      what: "input of a convolution",
      at: () => conv2dSizes({ ...point, input: [1, side, side, 1] }),
      past: () => conv2dSizes({ ...point, input: [1, side, side + 1, 1] }),
    },
    {
      what: "output of a convolution",
      at: () => conv2dSizes({ ...point, input: [1, side / 2, side, 1], filters: 2, stride: 1 }),
      past: () => conv2dSizes({ ...point, input: [1, side / 2, side, 1], filters: 3, stride: 1 }),
    },
    {
      what: "filters",
      at: () => conv2dSizes({ ...point, input: [1, 2, 2, side], filters: side / 4, kernel: 2 }),
      past: () => conv2dSizes({ ...point, input: [1, 2, 2, side], filters: side / 4 + 1, kernel: 2 }),
    },
    {
      what: "padded input",
      at: () => conv2dSizes({ ...point, padding: side / 2 - 1 }),
      past: () => conv2dSizes({ ...point, padding: side / 2 }),
    },
    {
      what: "window",
      at: () => maxPool2dSizes({ input: [1, 5, 6, 1], size: 5 }),
      past: () => maxPool2dSizes({ input: [1, 5, 6, 1], size: 6 }),
    },
    {
      what: "input of a max-pooling",
      at: () => maxPool2dSizes({ input: [1, side, side, 1], size: 2 }),
      past: () => maxPool2dSizes({ input: [1, side, side + 1, 1], size: 2 }),
    },
    {
      what: "weights",
      at: () => linearSizes({ batch: 1, inputs: side, outputs: side }),
      past: () => linearSizes({ batch: 1, inputs: side, outputs: side + 1 }),
    },
    {
      what: "input of a linear layer",
      at: () => linearSizes({ batch: side, inputs: side, outputs: 1 }),
      past: () => linearSizes({ batch: side + 1, inputs: side, outputs: 1 }),
    },
    {
      what: "output of a linear layer",
      at: () => linearSizes({ batch: side, inputs: 1, outputs: side }),
      past: () => linearSizes({ batch: side + 1, inputs: 1, outputs: side }),
    },
    {
      what: "logits",
      at: () => softmaxSizes({ batch: side, classes: side }),
      past: () => softmaxSizes({ batch: side, classes: side + 1 }),
    },
    {
      what: "logits of a loss",
      at: () => softmaxCrossEntropySizes({ batch: side, classes: side }),
      past: () => softmaxCrossEntropySizes({ batch: side, classes: side + 1 }),
    },
    {
      what: "tensors to be added",
      at: () => sumSizes({ shape: [side], count: side }),
      past: () => sumSizes({ shape: [side], count: side + 1 }),
    },
    {
      what: "parameters",
      at: () => sgdSizes({ shape: [side, side] }),
      past: () => sgdSizes({ shape: [side, side + 1] }),
    },
    {
      what: "tensor",
      at: () => checkShape("tensor", [2 ** 28]),
      past: () => checkShape("tensor", [2 ** 28 + 1]),
    },
  ])("let the largest $what pass, and refuse one more by what the limit is", ({ at, past }) => {
    expect(at).not.toThrow();
    expect(refusal(past)).toMatch(
      /^INVALID_ARGUMENT: \w+: (a tensor holds at most 268435456 values, but the shape is|a window of \d+ does not fit into) /,
    );
  });
});

describe("tensors", () => {
  it("hold zeros, or the array that they are given", () => {
    expect([...tensor([2, 2]).data]).toEqual([0, 0, 0, 0]);
    const data = Float32Array.of(1, 2);
    expect(tensor([2], data).data).toBe(data);
    expect(hostTensor([3], "int32").data).toBeInstanceOf(Int32Array);
  });

  it("refuse an array of another size", () => {
    expect(refusal(() => tensor([2, 3], new Float32Array(5)))).toBe(
      "SHAPE_MISMATCH: tensor: shape [2, 3] holds 6 values, but 5 were given",
    );
  });
});

describe("shapes", () => {
  it("have a size, compare and print", () => {
    expect(sizeOf([2, 3, 4])).toBe(24);
    expect(sizeOf([])).toBe(1);
    expect(sameShape([1, 2], [1, 2])).toBe(true);
    expect(sameShape([1, 2], [2, 1])).toBe(false);
    expect(sameShape([1], [1, 1])).toBe(false);
    expect(formatShape([1, 2])).toBe("[1, 2]");
  });
});
