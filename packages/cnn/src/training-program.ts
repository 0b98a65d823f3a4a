import type { Backend, Done, Tensor } from "@cifar/tensor";
import { planBuffers } from "./buffers.js";
import { allFinite } from "./finite.js";
import { type GradientSlot, makeGradientOperations } from "./gradients.js";
import type { LaneTraining } from "./lane.js";
import { makeSlot, type ProgramSpec, surroundings } from "./program.js";
import type { Shard } from "./shard.js";
import { runSteps, type Step } from "./steps.js";

export interface TrainingProgramSpec extends ProgramSpec<Backend> {
  readonly labelSmoothing: number;
}

/** A network compiled for training: like a `Program`, with loss, gradients and dropout. */
export class TrainingProgram {
  readonly #backend: Backend;
  readonly #prepare: Step<readonly Tensor[]>[] = [];
  readonly #forward: Step<Shard>[] = [];
  /** For each step of the forward pass, whose it is and where it writes. */
  readonly #stages: { readonly index: number; readonly output: GradientSlot }[] = [];
  readonly #train: readonly Step<Shard>[];
  readonly #setDropoutScale: ((scale: number) => void)[] = [];

  constructor(spec: TrainingProgramSpec) {
    const { placed, backend, batch } = spec;
    this.#backend = backend;
    const firstTrained = placed.findIndex(({ parameters }) => parameters !== undefined);
    const { shapes, outputs } = planBuffers(placed, placed[0]!.input, true);
    const slots = shapes.map((shape, buffer): GradientSlot => {
      const wanted = buffer > 0 && outputs.indexOf(buffer) >= firstTrained;
      return { ...makeSlot(spec, shapes, buffer), gradient: wanted ? backend.tensor([batch, ...shape]) : undefined };
    });
    const backward: Step<Shard>[] = [];
    for (const [position, context] of surroundings(spec, slots, outputs).entries()) {
      const passesOn = position > firstTrained;
      const operations = makeGradientOperations(backend, { ...context, trained: true, passesOn });
      if (operations.prepare !== undefined) this.#prepare.push(operations.prepare);
      if (operations.forward !== undefined) {
        this.#forward.push(operations.forward);
        this.#stages.push({ index: context.index, output: context.to });
      }
      backward.unshift(...operations.backward);
      if (operations.setDropoutScale !== undefined) this.#setDropoutScale.push(operations.setDropoutScale);
    }
    this.#train = [...this.#forward, ...makeLoss(spec, slots.at(-1)!), ...backward];
  }

  /** Takes up parameters, in the network's order; again whenever their values have changed. */
  prepare(parameters: readonly Tensor[]): Done {
    return runSteps(this.#prepare, parameters);
  }

  /** Multiplies the rates of all dropout layers. */
  setDropoutScale(scale: number): void {
    for (const set of this.#setDropoutScale) set(scale);
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

/** Training on a backend, as a lane takes it. */
export function trainingOn(
  backend: Backend,
  { labelSmoothing }: Pick<TrainingProgramSpec, "labelSmoothing">,
): LaneTraining {
  return { labelSmoothing, compile: (network) => new TrainingProgram({ ...network, backend, labelSmoothing }) };
}

function makeLoss({ backend, batch, labelSmoothing }: TrainingProgramSpec, result: GradientSlot): Step<Shard>[] {
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
