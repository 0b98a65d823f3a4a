/** True if no value is NaN or Infinity. `every` would box each number: 230 kB of garbage for the network's parameters. */
export function allFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) return false;
  }
  return true;
}
