import type { Done } from "@cifar/tensor";

/** Something to do with a context: one operation of a program, bound to its tensors. */
export type Step<C> = (context: C) => Done;

/** Asked between steps that take long the first time; a promise that it gives is waited for. */
export type Breathe = () => Promise<void> | undefined;

/** Runs steps in order, and waits for those that have to be waited for: kernels on the CPU cost no promise. */
export function runSteps<C>(steps: readonly Step<C>[], context: C): Done {
  for (let position = 0; position < steps.length; position++) {
    const done = steps[position]!(context);
    if (done !== undefined) return finish(done, steps.slice(position + 1), context);
  }
}

async function finish<C>(first: Promise<void>, rest: readonly Step<C>[], context: C): Promise<void> {
  await first;
  for (const step of rest) await step(context);
}
