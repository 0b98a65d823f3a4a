/** Major of the V8 under this Node; 0 where this is not Node. */
export function v8Major(): number {
  const { process } = globalThis as { process?: { versions?: { v8?: string } } };
  return Number.parseInt(process?.versions?.v8 ?? "0", 10);
}
