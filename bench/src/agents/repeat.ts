/** Times of `iterations` runs, one after the other. */
export async function repeat(iterations: number, run: () => Promise<number>): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  for (let i = 0; i < iterations; i++) milliseconds.push(await run());
  return milliseconds;
}
