import { encodeModule, FunctionBuilder } from "@cifar/tensor/assembler";

const ROWS = 4;
const TURNS = 200_000;
const VECTOR = 16;
const LANES = 4;

/**
 * GFLOP/s of WebAssembly SIMD on one core: sums += x · w, always the same x and w, in the tile of sums that the kernels
 * use, so that next to nothing but multiplications and additions is left to do.
 * @param wide V8 joins neighbouring vectors to 256 bit
 */
export function multiplyAddCeiling(wide: boolean): number {
  const columns = wide ? 4 : 2;
  const f = new FunctionBuilder(["i32"]);
  const [address] = f.parameters;
  const counter = f.local("i32");
  const sums = Array.from({ length: ROWS }, () => f.locals("v128", columns));
  const factors = f.locals("v128", columns);
  const value = f.local("v128");
  for (const [v, factor] of factors.entries())
    f.get(address)
      .memory("v128.load", v * VECTOR)
      .set(factor);
  f.repeat(counter, TURNS, () => {
    for (let row = 0; row < ROWS; row++) {
      // Loads have units of their own, and registers are scarcer.
      f.get(address)
        .memory("v128.load32_splat", row * LANES)
        .set(value);
      for (const [v, factor] of factors.entries()) {
        const sum = sums[row]![v]!;
        f.get(sum).get(value).get(factor).op("f32x4.mul", "f32x4.add").set(sum);
      }
    }
  });
  for (const [row, vectors] of sums.entries()) {
    for (const [v, sum] of vectors.entries()) {
      f.get(address)
        .get(sum)
        .memory("v128.store", (row * columns + v) * VECTOR);
    }
  }
  const bytes = encodeModule(new Map([["run", f]]), { shared: false, maximumPages: 1 });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const run = exports["run"] as (address: number) => void;
  let best = Number.POSITIVE_INFINITY;
  for (let trial = 0; trial < 40; trial++) {
    const start = performance.now();
    run(0);
    best = Math.min(best, performance.now() - start);
  }
  return (TURNS * ROWS * columns * LANES * 2) / best / 1e6;
}
