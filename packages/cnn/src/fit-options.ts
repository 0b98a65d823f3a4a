import type { Backend, BackendName } from "@cifar/tensor";
import type { Checkpoint } from "./checkpoint.js";
import type { Dataset, Normalisation } from "./dataset.js";
import type { Schedule } from "./schedule.js";

/** Muon for the filters of convolutions (see `Backend.muon`): everything else stays with SGD. */
export interface MuonOptions {
  /** Highest learning rate of the filters, following the schedule too; their update has singular values of about 1. */
  readonly learningRate: number;
  /** 0 ≤ momentum < 1, default 0.9. */
  readonly momentum?: number;
  /** Each step takes learning rate · weightDecay of every filter away; default that of everything else. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent as in PyTorch. */
export interface OptimiserOptions {
  /** Highest learning rate; the schedule takes fractions of it. */
  readonly learningRate: number;
  /** 0 ≤ momentum < 1, default 0.9. */
  readonly momentum?: number;
  /** Default true where there is momentum. */
  readonly nesterov?: boolean;
  /** weightDecay · parameter is added to every gradient; default 0. */
  readonly weightDecay?: number;
  /** Moves the filters of convolutions by Muon instead. */
  readonly muon?: MuonOptions;
}

/** Changes of the training pictures, drawn anew in each epoch. */
export interface AugmentOptions {
  /**
   * Mirrors pictures left to right: `random` half of them by chance, `alternating` by chance in the first epoch and then
   * every picture in turn, so that two epochs show both sides (Jordan, arXiv:2404.00498). Default `none`.
   */
  readonly flip?: "none" | "random" | "alternating";
  /** Moves pictures by up to this many pixels each way; what comes in is mirrored at the edge. Default 0. */
  readonly shift?: number;
}

/** Exponential moving average of the weights, which is what validation and the finished model then use. */
export interface AveragingOptions {
  /** average ← decay · average + (1 − decay) · weights after each step; 0 < decay < 1. */
  readonly decay: number;
  /** Fraction of the run from which on the average is kept, default 0: until then it equals the weights. */
  readonly from?: number;
}

/** First filters from the principal components of the training pictures' patches. */
export interface WhiteningOptions {
  /** How many of the first training pictures to look at; default 1000. */
  readonly pictures?: number;
  /** Added to each eigenvalue before its root divides the component; default 0.01. */
  readonly epsilon?: number;
  /** Multiplies the filters; default 0.5. */
  readonly scale?: number;
}

/** Everything that the weights depend on, as plain data: a recipe is made of it and a checkpoint holds it. */
export interface TrainingOptions {
  readonly epochs: number;
  /** Pictures in a step, default 64. */
  readonly batchSize?: number;
  readonly optimiser: OptimiserOptions;
  /** Default constant. */
  readonly schedule?: Schedule;
  /** 0 ≤ labelSmoothing < 1, default 0. */
  readonly labelSmoothing?: number;
  /** Whole number from 0 to 2^53 − 1, default 0: order of pictures, augmentation, dropout. */
  readonly seed?: number;
  readonly augment?: AugmentOptions;
  readonly normalisation: Normalisation;
  readonly averaging?: AveragingOptions;
  /** Gradients whose common Euclidean norm is above this are scaled down to it. */
  readonly clipNorm?: number;
  /** Factors on the rates of all dropout layers in the first and the last epoch, in a line between; default 1 and 1. */
  readonly dropout?: { readonly start: number; readonly end: number };
  /** Sets the first convolution's filters before the first step. */
  readonly whitening?: WhiteningOptions;
}

/** {@link TrainingOptions} with every default filled in; what is left out is off. */
export interface TrainingPlan {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimiser: Required<Omit<OptimiserOptions, "muon">> & { readonly muon?: Required<MuonOptions> };
  readonly schedule: Schedule;
  readonly labelSmoothing: number;
  readonly seed: number;
  readonly augment: Required<AugmentOptions>;
  readonly normalisation: Normalisation;
  readonly dropout: { readonly start: number; readonly end: number };
  readonly averaging?: Required<AveragingOptions>;
  readonly clipNorm?: number;
  readonly whitening?: Required<WhiteningOptions>;
}

/**
 * Where and how to compute. One backend gives the same bytes of weights on any number of threads (`gpu` on the same GPU and
 * driver at most); two backends agree within rounding.
 */
export interface ComputeOptions {
  /** A name, or a backend that the caller made and closes. Default: wasm where it runs, else reference. */
  readonly backend?: BackendName | Backend;
  /** Default: the cores that this process may use; 1 uses no worker at all. Where no others can be had, one computes. */
  readonly threads?: number;
  /** Gets one line whenever something slower than asked for has to serve. */
  readonly onNotice?: (line: string) => void;
}

export interface FitOptions extends TrainingOptions, ComputeOptions {
  /** Ends the run after the step at hand, with a `stop` event. */
  readonly signal?: AbortSignal;
  /** Goes on where this was taken; the other options and the data must be those of that run. */
  readonly resume?: Checkpoint;
}

/** The run's state after the step of the event; to be called before the generator is asked for the next event. */
export type TakeCheckpoint = () => Promise<Checkpoint>;

export interface StartEvent {
  readonly type: "start";
  /** Of the whole run, those before a resumption included. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Steps already made, above 0 after a resumption. */
  readonly step: number;
  /** Number of trainable values. */
  readonly parameters: number;
  /** What computes, in one line. */
  readonly backend: string;
  readonly threads: number;
}

export interface StepEvent {
  readonly type: "step";
  /** Steps made so far: 1 after the first. */
  readonly step: number;
  /** From 1. */
  readonly epoch: number;
  /** Mean over the pictures of this step. */
  readonly loss: number;
  readonly learningRate: number;
  /** Over this epoch so far. */
  readonly imagesPerSecond: number;
  readonly checkpoint: TakeCheckpoint;
}

export interface EpochEvent {
  readonly type: "epoch";
  /** From 1. */
  readonly epoch: number;
  /** Mean over the pictures of the epoch, each with the weights of its step. */
  readonly trainLoss: number;
  readonly validationLoss?: number;
  /** 0 to 1. */
  readonly validationAccuracy?: number;
  readonly imagesPerSecond: number;
  /** Duration of the epoch, validation included. */
  readonly seconds: number;
  readonly checkpoint: TakeCheckpoint;
}

/** Stopped through the signal; the model holds the weights of the last step. */
export interface StopEvent {
  readonly type: "stop";
  readonly step: number;
  readonly epoch: number;
  readonly checkpoint: TakeCheckpoint;
}

/**
 * What `predictLogits` gives, by the engine that has trained the model: the time and memory of another one are saved. To be
 * called before the generator is asked to end.
 * @returns [pictures, classes]
 * @throws CnnError SHAPE_MISMATCH, INVALID_ARGUMENT, ABORTED, CLOSED, WORKER_FAILED
 */
export type TakeLogits = (dataset: Dataset, options?: TakeLogitsOptions) => Promise<Float32Array>;

export interface TakeLogitsOptions {
  /** Shows every picture mirrored; default false. */
  readonly mirrored?: boolean;
  readonly signal?: AbortSignal;
}

export interface EndEvent {
  readonly type: "end";
  readonly steps: number;
  readonly seconds: number;
  readonly predictLogits: TakeLogits;
}

export type FitEvent = StartEvent | StepEvent | EpochEvent | StopEvent | EndEvent;

/** What the generator returns at its end. */
export interface FitResult {
  /** Steps made in all. */
  readonly steps: number;
  /** True if the signal ended the run early. */
  readonly stopped: boolean;
  readonly seconds: number;
}
