export {
  type Calibration,
  type CalibrationOptions,
  calibration,
  fitTemperature,
  type ReliabilityBin,
} from "./calibration.js";
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
export { cifarCnn } from "./cifar-cnn.js";
export { checkDataset, type Dataset, type Normalisation, subset } from "./dataset.js";
export { dataDigest, weightsDigest } from "./digest.js";
export { CnnError, type CnnErrorCode } from "./errors.js";
export {
  type EvaluateOptions,
  evaluate,
  type LogitsOfBothSides,
  type LogitsOptions,
  predictBothSides,
  predictLogits,
} from "./evaluate.js";
export { type ClassResult, type Evaluation, summariseLogits } from "./evaluation.js";
export { type ExplainOptions, type Explanation, explain, type PlaceMap } from "./explain.js";
export { fit } from "./fit.js";
export type {
  AugmentOptions,
  AveragingOptions,
  ComputeOptions,
  EndEvent,
  EpochEvent,
  FitEvent,
  FitOptions,
  FitResult,
  MuonOptions,
  OptimiserOptions,
  StartEvent,
  StepEvent,
  StopEvent,
  TakeCheckpoint,
  TakeLogits,
  TakeLogitsOptions,
  TrainingOptions,
  TrainingPlan,
  WhiteningOptions,
} from "./fit-options.js";
export type { InitialiseOptions } from "./initialise.js";
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
export { FILE_LIMITS, type FileLimits, type ReadOptions } from "./limits.js";
export { type Json, type LoadedModel, loadModel, type ModelCard, saveModel } from "./model-file.js";
export { toOnnx } from "./onnx.js";
export type { PlacedLayer } from "./place.js";
export { resolvePlan } from "./plan.js";
export {
  type Classification,
  createPredictor,
  type PictureBytes,
  type Predictor,
  type PredictorOptions,
} from "./predictor.js";
export { printable } from "./printable.js";
export { fromPyTorch, toPyTorch } from "./pytorch.js";
export { decodeSafetensors, encodeSafetensors, type Safetensors, type SafetensorsTensor } from "./safetensors.js";
export { learningRateAt, type Schedule } from "./schedule.js";
export { Sequential } from "./sequential.js";
export { whitenFirstConvolution } from "./whitening.js";
