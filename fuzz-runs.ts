/** How many cases a fuzz suite tries, as fast-check's parameters. */
interface FuzzRuns {
  readonly numRuns: number;
  readonly seed: number;
}

/** Always the same cases, so that a failure can be repeated; FUZZ_SEED names others. */
const SEED = 20_261_126;

/**
 * The parameters for `fc.assert` in a suite of test/fuzz.
 * @param short cases in `npm test`
 * @param full cases in `npm run fuzz`
 */
export function fuzzRuns({ short, full }: { readonly short: number; readonly full: number }): FuzzRuns {
  return {
    numRuns: process.env["FUZZ"] === "full" ? full : short,
    seed: Number(process.env["FUZZ_SEED"] ?? SEED),
  };
}
