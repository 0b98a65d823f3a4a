import type { Backend, Done, SgdStep, Tensor } from "@cifar/tensor";
import type { Engine } from "./engine.js";
import type { TrainingPlan } from "./fit-options.js";
import { runSteps, type Step } from "./steps.js";

/** Dimensions of a convolution's filters: [kernel, kernel, channels, filters]. */
const FILTER_DIMENSIONS = 4;

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
  readonly #muonStep: SgdStep;
  /** Muon's learning rate by that of SGD, as both follow one schedule. */
  readonly #muonRatio: number;
  readonly #averageStep: SgdStep = { learningRate: 0, weightDecay: 1, gradientScale: -1 };

  /** @param backend that of the engine, with all its operations */
  constructor(engine: Engine, backend: Backend, plan: Pick<TrainingPlan, "optimiser" | "clipNorm">) {
    const { shapes, shards, parameters, averages } = engine;
    const { momentum, nesterov, weightDecay, muon } = plan.optimiser;
    this.#engine = engine;
    this.#clipNorm = plan.clipNorm;
    this.#step = { learningRate: 0, weightDecay, gradientScale: 1 };
    this.#muonStep = { learningRate: 0, weightDecay: muon?.weightDecay ?? 0, gradientScale: 1 };
    this.#muonRatio = muon === undefined ? 0 : muon.learningRate / plan.optimiser.learningRate;
    this.velocities = shapes.map((shape) => backend.tensor(shape));
    this.#gradients = shapes.map((shape) => backend.tensor(shape));
    this.#sum = shapes.map((shape, index): Step<void> => {
      const sum = backend.sum({ shape, count: shards.length });
      const inputs = shards.map(({ training }) => training!.gradients[index]!);
      return () => sum.forward(inputs, this.#gradients[index]!);
    });
    const descend = shapes.map((shape, index): Step<void> => {
      if (muon !== undefined && shape.length === FILTER_DIMENSIONS) {
        const update = backend.muon({ shape, momentum: muon.momentum });
        return () => update.step(parameters[index]!, this.#gradients[index]!, this.velocities[index]!, this.#muonStep);
      }
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
    this.#muonStep.learningRate = learningRate * this.#muonRatio;
    this.#averageStep.learningRate = 1 - (decay ?? 0);
    const changes = decay === undefined ? this.#descend : this.#descendAndAverage;
    const summed = runSteps(this.#sum, undefined);
    if (summed !== undefined || this.#engine.backend.name === "gpu") return this.#finish(summed, changes);
    this.#scaleGradients((tensor) => tensor.data);
    return runSteps(changes, undefined);
  }

  async #finish(summed: Done, changes: readonly Step<void>[]): Promise<void> {
    await summed;
    const read = new Map<Tensor, Float32Array>();
    if (this.#clipNorm !== undefined) {
      for (const gradient of this.#gradients) read.set(gradient, await this.#engine.backend.read(gradient));
    }
    this.#scaleGradients((tensor) => read.get(tensor)!);
    await runSteps(changes, undefined);
  }

  #scaleGradients(values: (tensor: Tensor) => Float32Array): void {
    const scale = this.#scaleOf(values);
    this.#step.gradientScale = scale;
    this.#muonStep.gradientScale = scale;
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
