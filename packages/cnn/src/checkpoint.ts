import type { TrainingPlan } from "./fit-options.js";
import type { Architecture } from "./layers.js";

/** A run's whole state between two steps. */
export interface Checkpoint {
  readonly architecture: Architecture;
  /** Options that the weights depend on, defaults filled in. */
  readonly plan: TrainingPlan;
  /** What was trained on: a checkpoint goes on with the same pictures only. */
  readonly data: { readonly name: string; readonly count: number; readonly digest: string };
  /** Steps made. */
  readonly step: number;
  /** Sum of the losses of the pictures of the epoch at hand so far, and their number. */
  readonly epochLoss: { readonly sum: number; readonly pictures: number };
  /** By name, as in `Sequential.parameters`. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly velocities: ReadonlyMap<string, Float32Array>;
  /** Moving averages of the parameters, where the plan asks for them. */
  readonly averages: ReadonlyMap<string, Float32Array> | undefined;
}
