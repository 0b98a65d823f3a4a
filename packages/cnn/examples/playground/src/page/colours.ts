/** From dark over violet and orange to pale yellow: lightness rises all the way, so that it reads without colours too. */
const STOPS = [
  [13, 10, 38],
  [86, 20, 110],
  [187, 55, 84],
  [249, 142, 9],
  [252, 255, 180],
] as const;

/** The colour of a value from 0 to 1. */
export function heat(value: number, to: Uint8ClampedArray): void {
  const place = Math.min(1, Math.max(0, value)) * (STOPS.length - 1);
  const index = Math.min(STOPS.length - 2, Math.floor(place));
  const share = place - index;
  const low = STOPS[index]!;
  const high = STOPS[index + 1]!;
  for (let channel = 0; channel < 3; channel++) to[channel] = low[channel]! + share * (high[channel]! - low[channel]!);
}
