import type { Done, InferenceBackend, Tensor } from "@cifar/tensor";
import { isFused, planBuffers } from "./buffers.js";
import { type LayerContext, makeOperations, type Slot } from "./operations.js";
import { type PlacedLayer, parameterShapes } from "./place.js";
import type { Shard } from "./shard.js";
import { type Breathe, runSteps, type Step } from "./steps.js";

export interface ProgramSpec<B extends InferenceBackend = InferenceBackend> {
  readonly placed: readonly PlacedLayer[];
  readonly backend: B;
  /** Pictures in a shard. */
  readonly batch: number;
  /** Asked after each layer, while operations are made and while they run. */
  readonly breathe?: Breathe | undefined;
}

/**
 * A network compiled for inference on a backend by a number of pictures: buffers and operations are made once, and
 * running it allocates nothing. It holds the activations of one shard at a time, so one program serves shards one after the
 * other.
 */
export class Program {
  readonly #make: readonly Step<undefined>[];
  readonly #prepare: Step<readonly Tensor[]>[] = [];
  readonly #forward: Step<Shard>[] = [];

  constructor(spec: ProgramSpec) {
    const { backend, breathe } = spec;
    const pause = breathe === undefined ? [] : [breathe];
    const plan = planBuffers(spec.placed, spec.placed[0]!.input, false);
    const slots = plan.shapes.map((_, buffer) => makeSlot(spec, plan.shapes, buffer));
    this.#make = surroundings(spec, slots, plan.outputs).map((context) => () => {
      const { prepare, forward } = makeOperations(backend, context);
      if (prepare !== undefined) this.#prepare.push(prepare, ...pause);
      if (forward !== undefined) this.#forward.push(forward, ...pause);
      return breathe?.();
    });
  }

  /** Makes the operations: once, before anything else. */
  make(): Done {
    return runSteps(this.#make, undefined);
  }

  /** Takes up parameters, in the network's order; again whenever their values have changed. */
  prepare(parameters: readonly Tensor[]): Done {
    return runSteps(this.#prepare, parameters);
  }

  /** Writes the shard's logits. */
  forward(shard: Shard): Done {
    return runSteps(this.#forward, shard);
  }
}

/** Where the values of a buffer are: the first is the shard's input, the last its logits, the others are the program's own. */
export function makeSlot(
  { backend, batch }: ProgramSpec,
  shapes: readonly (readonly number[])[],
  buffer: number,
): Slot {
  if (buffer === 0) return { values: (shard) => shard.input };
  if (buffer === shapes.length - 1) return { values: (shard) => shard.logits };
  const own = backend.tensor([batch, ...shapes[buffer]!]);
  return { values: () => own };
}

/** Every layer in its surroundings. */
export function surroundings<S extends Slot>(
  { placed, batch }: ProgramSpec,
  slots: readonly S[],
  outputs: readonly number[],
): readonly LayerContext<S>[] {
  const names = [...parameterShapes(placed).keys()];
  return placed.map((layer, position) => ({
    ...layer,
    batch,
    from: slots[outputs[position - 1] ?? 0]!,
    to: slots[outputs[position]!]!,
    parameter: names.indexOf(`${layer.index}.weight`),
    fused: isFused(placed, position) || isFused(placed, position + 1),
  }));
}
