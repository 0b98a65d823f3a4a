import { type Recipe, recipeOf } from "@cifar/cifar/browser";
import { type Checkpoint, type FitOptions, fit, type Sequential } from "@cifar/cnn";
import type { Compute, Report, RunSettings } from "../protocol.js";
import type { Data } from "./data.js";

/** Milliseconds between two looks at the network, so that looking takes little of the time. */
const LOOK_EVERY = 500;

/** What a run tells its session. */
export interface RunObserver {
  readonly report: (report: Report) => void;
  /** The state of the run, every now and then and at its end: `last` then. */
  readonly onState: (checkpoint: Checkpoint, last: boolean) => void;
}

/** One stretch of training: from the start or a checkpoint to a stop or the end. */
export class Run {
  readonly #stop = new AbortController();
  /** Times of the last steps, in milliseconds, without what comes between them. */
  readonly #times: number[] = [];

  stop(): void {
    this.#stop.abort();
  }

  /** @throws CnnError as `fit` does */
  async train(
    model: Sequential,
    spec: { readonly data: Data; readonly options: FitOptions },
    { report, onState }: RunObserver,
  ): Promise<void> {
    const { data, options } = spec;
    const { batchSize = 64, epochs } = options;
    let steps = 0;
    let looked = performance.now();
    let asked = looked;
    for await (const event of fit(model, { train: data.train }, { ...options, signal: this.#stop.signal })) {
      const came = performance.now();
      switch (event.type) {
        case "start": {
          const { step, stepsPerEpoch, backend, threads } = event;
          steps = event.steps;
          report({ type: "started", step, steps, epochs, stepsPerEpoch, backend, threads });
          break;
        }
        case "step": {
          const { step, epoch, loss } = event;
          report({ type: "step", step, epoch, loss, speed: this.#speed(batchSize, came - asked) });
          if (step < steps && came - looked < LOOK_EVERY) break;
          onState(await event.checkpoint(), step === steps);
          looked = performance.now();
          break;
        }
        case "stop":
          onState(await event.checkpoint(), true);
          report({ type: "stopped", step: event.step, steps });
          break;
        case "end":
          report({ type: "ended", steps });
          break;
      }
      asked = performance.now();
    }
  }

  /** Over the last ten steps, so that the figure is calm; the first step also makes kernels and does not count. */
  #speed(batchSize: number, time: number): number {
    this.#times.push(time);
    const last = this.#times.slice(1).slice(-10);
    if (last.length === 0) return (1000 * batchSize) / time;
    return (1000 * batchSize * last.length) / last.reduce((sum, each) => sum + each, 0);
  }
}

/** The options of a run that begins. */
export function optionsOf(
  settings: RunSettings,
  data: Data,
): { readonly recipe: Recipe; readonly options: FitOptions } {
  const recipe = recipeOf(settings.recipe, { epochs: settings.epochs });
  return { recipe, options: { ...recipe.training, seed: settings.seed, normalisation: data.normalisation } };
}

/** Where to compute, as `fit` takes it. */
export function computeOptions(
  { backend, threads }: Compute,
  onNotice: (line: string) => void,
): Pick<FitOptions, "backend" | "threads" | "onNotice"> {
  // The others have no threads, so asking for some would only bring a notice.
  const threaded = backend === undefined || backend === "wasm";
  return { ...(backend !== undefined && { backend }), threads: threaded ? threads : 1, onNotice };
}
