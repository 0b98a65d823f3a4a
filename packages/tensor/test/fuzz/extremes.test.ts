import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { type Backend, createWasmBackend, TensorError } from "../../src/index.js";

/** Whole numbers of every magnitude up to 2^53 − 1. */
const magnitude = fc
  .tuple(fc.integer({ min: 0, max: 52 }), fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true }))
  .map(([exponent, mantissa]) => Math.floor(2 ** exponent * mantissa));
/** Mostly small, so that others can be large. */
const size = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) }, { weight: 2, arbitrary: magnitude });
const pictures = fc.tuple(size, size, size, size);

const specs = fc.oneof(
  fc.record({ conv2d: fc.record({ input: pictures, filters: size, kernel: size, stride: size, padding: size }) }),
  fc.record({ maxPool2d: fc.record({ input: pictures, size, stride: size }) }),
  fc.record({ linear: fc.record({ batch: size, inputs: size, outputs: size }) }),
  fc.record({ relu: fc.record({ shape: fc.tuple(size, size) }) }),
  fc.record({ dropout: fc.record({ shape: fc.tuple(size, size), rate: fc.constant(0.5) }) }),
  fc.record({ softmax: fc.record({ batch: size, classes: size }) }),
  fc.record({ softmaxCrossEntropy: fc.record({ batch: size, classes: size }) }),
  fc.record({ sum: fc.record({ shape: fc.tuple(size), count: size }) }),
  fc.record({ sgd: fc.record({ shape: fc.tuple(size, size) }) }),
  fc.record({ muon: fc.record({ shape: fc.tuple(size, size) }) }),
);

/** Makes an operation; returns why it was refused, or undefined. */
function refusal(backend: Backend, spec: object): string | undefined {
  const [name, options] = Object.entries(spec)[0] as ["conv2d", never];
  try {
    backend[name](options);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(TensorError);
    return `${(error as TensorError).code}: ${(error as TensorError).message}`;
  }
}

describe.each([2, 4] as const)("backend wasm with %i vectors", (vectors) => {
  it("makes every operation, or refuses it in one line with the limit that it goes past", () => {
    let made = 0;
    fc.assert(
      fc.property(specs, (spec) => {
        const reason = refusal(createWasmBackend({ vectors }), spec);
        if (reason === undefined) made++;
        else {
          expect(reason).toMatch(
            /^(INVALID_ARGUMENT: \w+: (a tensor holds at most|a window of)|OUT_OF_MEMORY: the WebAssembly memory is full).*$/,
          );
        }
      }),
      fuzzRuns({ short: 150, full: 5000 }),
    );
    expect(made).toBeGreaterThan(50);
  });
});
