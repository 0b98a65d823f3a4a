import type { Backend, Done, InferenceBackend, Tensor } from "@cifar/tensor";
import { isFused, planBuffers } from "./buffers.js";
import { allFinite } from "./finite.js";
import { makeOperations, type Slot } from "./operations.js";
import { type PlacedLayer, parameterShapes } from "./place.js";
import type { Shard } from "./shard.js";
import { runSteps, type Step } from "./steps.js";

/** What a program that trains needs beyond one that infers. */
export interface TrainingNeeds {
  readonly labelSmoothing: number;
  /** The program's backend, with all its operations. */
  readonly backend: Backend;
}

export interface ProgramSpec {
  readonly placed: readonly PlacedLayer[];
  readonly backend: InferenceBackend;
  /** Pictures in a shard. */
  readonly batch: number;
  /** Left out for a program that only infers. */
  readonly training?: TrainingNeeds;
}

/**
 * A network compiled for a backend and a number of pictures: operations and buffers are made here once, and running it
 * allocates nothing. It holds the activations of one shard at a time, so one program serves shards one after the other.
 */
export class Program {
  readonly #backend: InferenceBackend;
  readonly #prepare: Step<readonly Tensor[]>[] = [];
  readonly #forward: Step<Shard>[] = [];
  /** For each step of the forward pass, whose it is and where it writes. */
  readonly #stages: { readonly index: number; readonly output: Slot }[] = [];
  readonly #train: readonly Step<Shard>[];
  readonly #setDropoutScale: ((scale: number) => void)[] = [];

  constructor({ placed, backend, batch, training }: ProgramSpec) {
    const firstTrained = placed.findIndex(({ parameters }) => parameters !== undefined);
    this.#backend = backend;
    const { shapes, outputs } = planBuffers(placed, placed[0]!.input, training !== undefined);
    const slots = shapes.map((shape, buffer): Slot => {
      const gradient =
        training !== undefined && buffer > 0 && outputs.indexOf(buffer) >= firstTrained
          ? backend.tensor([batch, ...shape])
          : undefined;
      if (buffer === 0) return { values: (shard) => shard.input, gradient };
      if (buffer === shapes.length - 1) return { values: (shard) => shard.logits, gradient };
      const own = backend.tensor([batch, ...shape]);
      return { values: () => own, gradient };
    });

    const backward: Step<Shard>[] = [];
    const names = [...parameterShapes(placed).keys()];
    for (const [position, layer] of placed.entries()) {
      const to = slots[outputs[position]!]!;
      const operations = makeOperations({
        ...layer,
        backend,
        batch,
        from: slots[outputs[position - 1] ?? 0]!,
        to,
        training: training?.backend,
        passesOn: training !== undefined && position > firstTrained,
        parameter: names.indexOf(`${layer.index}.weight`),
        fused: isFused(placed, position) || isFused(placed, position + 1),
      });
      if (operations.prepare !== undefined) this.#prepare.push(operations.prepare);
      if (operations.forward !== undefined) {
        this.#forward.push(operations.forward);
        this.#stages.push({ index: layer.index, output: to });
      }
      backward.unshift(...(operations.backward ?? []));
      if (operations.setDropoutScale !== undefined) this.#setDropoutScale.push(operations.setDropoutScale);
    }
    this.#train =
      training === undefined ? [] : [...this.#forward, ...makeLoss(training, batch, slots.at(-1)!), ...backward];
  }

  /** Takes up parameters, in the network's order; again whenever their values have changed. */
  prepare(parameters: readonly Tensor[]): Done {
    return runSteps(this.#prepare, parameters);
  }

  /** Multiplies the rates of all dropout layers. */
  setDropoutScale(scale: number): void {
    for (const set of this.#setDropoutScale) set(scale);
  }

  /** Writes the shard's logits; in a program for training, dropout is at work. */
  forward(shard: Shard): Done {
    return runSteps(this.#forward, shard);
  }

  /** Forward, loss and backward: writes the shard's logits, losses and gradients. */
  train(shard: Shard): Done {
    return runSteps(this.#train, shard);
  }

  /** Index of the first layer whose output for a shard holds NaN or Infinity. */
  async firstNonFinite(shard: Shard): Promise<number | undefined> {
    for (const [position, { index, output }] of this.#stages.entries()) {
      await this.#forward[position]!(shard);
      if (!allFinite(await this.#backend.read(output.values(shard)))) return index;
    }
    return undefined;
  }
}

function makeLoss({ backend, labelSmoothing }: TrainingNeeds, batch: number, result: Slot): Step<Shard>[] {
  const gradient = result.gradient!;
  const classes = gradient.size / batch;
  const loss = backend.softmaxCrossEntropy({ batch, classes, labelSmoothing });
  const probabilities = backend.tensor([batch, classes]);
  return [
    (shard) => {
      const { labels, losses } = shard.training!;
      return loss.forward(result.values(shard), labels, probabilities, losses);
    },
    (shard) => {
      const { labels, scale } = shard.training!;
      return loss.backward(probabilities, labels, scale, gradient);
    },
  ];
}
