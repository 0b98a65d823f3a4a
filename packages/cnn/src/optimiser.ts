import type { Done, SgdStep, Tensor } from "@cifar/tensor";
import type { Engine } from "./engine.js";
import type { TrainingPlan } from "./fit-options.js";
import { runSteps, type Step } from "./steps.js";

/** Adds the shards' gradients and changes the parameters by them, then moves the averages along. */
export class Optimiser {
  readonly velocities: readonly Tensor[];
  readonly #engine: Engine;
  readonly #clipNorm: number | undefined;
  readonly #gradients: readonly Tensor[];
  readonly #sum: readonly Step<void>[];
  readonly #descend: readonly Step<void>[];
  readonly #descendAndAverage: readonly Step<void>[];
  readonly #step: SgdStep;
  readonly #averageStep: SgdStep = { learningRate: 0, weightDecay: 1, gradientScale: -1 };

  constructor(engine: Engine, plan: Pick<TrainingPlan, "optimiser" | "clipNorm">) {
    const { backend, shapes, shards, parameters, averages } = engine;
    const { momentum, nesterov, weightDecay } = plan.optimiser;
    this.#engine = engine;
    this.#clipNorm = plan.clipNorm;
    this.#step = { learningRate: 0, weightDecay, gradientScale: 1 };
    this.velocities = shapes.map((shape) => backend.tensor(shape));
    this.#gradients = shapes.map((shape) => backend.tensor(shape));
    this.#sum = shapes.map((shape, index): Step<void> => {
      const sum = backend.sum({ shape, count: shards.length });
      const inputs = shards.map(({ training }) => training!.gradients[index]!);
      return () => sum.forward(inputs, this.#gradients[index]!);
    });
    const descend = shapes.map((shape, index): Step<void> => {
      const sgd = backend.sgd({ shape, momentum, nesterov });
      return () => sgd.step(parameters[index]!, this.#gradients[index]!, this.velocities[index]!, this.#step);
    });
    // average ← average − (1 − decay) · (average − parameter) is a step of descent whose gradient is −parameter with a
    // weight decay of 1, so it needs no operation of its own.
    const average = (averages ?? []).map((average, index): Step<void> => {
      const sgd = backend.sgd({ shape: shapes[index]! });
      const unused = backend.tensor(shapes[index]!);
      return () => sgd.step(average, parameters[index]!, unused, this.#averageStep);
    });
    this.#descend = descend;
    this.#descendAndAverage = [...descend, ...average];
  }

  /**
   * @param learningRate of this step
   * @param decay of the averages in this step, undefined to leave them alone
   */
  step(learningRate: number, decay: number | undefined): Done {
    this.#step.learningRate = learningRate;
    this.#averageStep.learningRate = 1 - (decay ?? 0);
    const changes = decay === undefined ? this.#descend : this.#descendAndAverage;
    const summed = runSteps(this.#sum, undefined);
    if (summed !== undefined || this.#engine.backend.name === "gpu") return this.#finish(summed, changes);
    this.#step.gradientScale = this.#scaleOf((tensor) => tensor.data);
    return runSteps(changes, undefined);
  }

  async #finish(summed: Done, changes: readonly Step<void>[]): Promise<void> {
    await summed;
    const read = new Map<Tensor, Float32Array>();
    if (this.#clipNorm !== undefined) {
      for (const gradient of this.#gradients) read.set(gradient, await this.#engine.backend.read(gradient));
    }
    this.#step.gradientScale = this.#scaleOf((tensor) => read.get(tensor)!);
    await runSteps(changes, undefined);
  }

  /** What brings the common norm of all gradients down to `clipNorm`, as torch.nn.utils.clip_grad_norm_ does. */
  #scaleOf(values: (tensor: Tensor) => Float32Array): number {
    if (this.#clipNorm === undefined) return 1;
    let squares = 0;
    for (const gradient of this.#gradients) {
      const data = values(gradient);
      for (let i = 0; i < data.length; i++) squares += data[i]! * data[i]!;
    }
    return Math.min(1, this.#clipNorm / (Math.sqrt(squares) + 1e-6));
  }
}
