export type { Checkpoint } from "./checkpoint.js";
export { checkDataset, type Dataset, type Normalisation, subset } from "./dataset.js";
export { CnnError, type CnnErrorCode } from "./errors.js";
export type { ClassResult, EvaluateOptions, Evaluation } from "./evaluate.js";
export type {
  AugmentOptions,
  AveragingOptions,
  ComputeOptions,
  EndEvent,
  EpochEvent,
  FitEvent,
  FitOptions,
  FitResult,
  OptimiserOptions,
  StartEvent,
  StepEvent,
  StopEvent,
  TakeCheckpoint,
  TrainingOptions,
  TrainingPlan,
  WhiteningOptions,
} from "./fit-options.js";
export {
  type Architecture,
  type Conv2dLayer,
  conv2d,
  type DropoutLayer,
  dropout,
  type FlattenLayer,
  flatten,
  type LayerDescription,
  type LinearLayer,
  linear,
  type MaxPool2dLayer,
  maxPool2d,
  type ReluLayer,
  relu,
} from "./layers.js";
export type { Classification, Predictor, PredictorOptions } from "./predictor.js";
export { learningRateAt, type Schedule } from "./schedule.js";
