/** The middle of some numbers, and how far they spread: the quartiles. */
export interface Summary {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly samples: number;
}

/** Value below which `fraction` of the sorted numbers lie, interpolated between neighbours. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  return low + (high - low) * (position - below);
}

/** Median and quartiles of at least one number. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
    samples: samples.length,
  };
}

/** Mean and standard deviation of a sample; the deviation of one number is 0. */
export function meanAndDeviation(samples: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  const squares = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, samples.length - 1)) };
}

/** The median, and the quartiles behind it. */
export function formatSpread({ median, lowerQuartile, upperQuartile }: Summary, decimals: number): string {
  return `${median.toFixed(decimals)} (${lowerQuartile.toFixed(decimals)}–${upperQuartile.toFixed(decimals)})`;
}

/** A part of a whole, 0 to 1, in percent. */
export function formatPercent(part: number, decimals: number): string {
  return `${(100 * part).toFixed(decimals)} %`;
}

/** A ratio in three digits or more: `0.97×`, `2.06×`, `12.3×`, `167×`. */
export function formatRatio(ratio: number): string {
  // By what rounding to two decimals would show, so that no 9.999 becomes 10.00.
  const decimals = ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0;
  return `${ratio.toFixed(decimals)}×`;
}
