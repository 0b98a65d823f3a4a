import { checkNormalisation } from "./dataset.js";
import { CnnError } from "./errors.js";
import type { MuonOptions, TrainingOptions, TrainingPlan, WhiteningOptions } from "./fit-options.js";
import type { Fields } from "./json.js";
import { checkFlag, checkWord } from "./option.js";
import { shown } from "./printable.js";
import { checkSchedule, type Schedule } from "./schedule.js";

const FLIPS = ["none", "random", "alternating"] as const;

/**
 * Fills in defaults and checks ranges.
 * @throws CnnError INVALID_ARGUMENT naming the option
 */
export function resolvePlan(options: TrainingOptions, channels: number): TrainingPlan {
  const optimiser = options.optimiser as TrainingOptions["optimiser"] | undefined;
  // Programs in JavaScript may leave it out, and settings out of files.
  if (!optimiser) throw new CnnError("INVALID_ARGUMENT", "fit: option optimiser is missing");
  const { learningRate, momentum = 0.9, nesterov = momentum > 0, weightDecay = 0, muon } = optimiser;
  const { epochs, batchSize = 64, schedule = { type: "constant" }, labelSmoothing = 0, seed = 0 } = options;
  const { flip = "none", shift = 0 } = options.augment ?? {};
  const { normalisation, dropout = { start: 1, end: 1 }, averaging, clipNorm, whitening } = options;
  whole("epochs", epochs, 1);
  whole("batchSize", batchSize, 1);
  whole("seed", seed, 0);
  whole("augment.shift", shift, 0);
  range("optimiser.learningRate", learningRate, learningRate > 0 && learningRate < Number.POSITIVE_INFINITY, "above 0");
  range("optimiser.momentum", momentum, momentum >= 0 && momentum < 1, "at least 0 and below 1");
  range("optimiser.weightDecay", weightDecay, weightDecay >= 0 && weightDecay < 1, "at least 0 and below 1");
  range("labelSmoothing", labelSmoothing, labelSmoothing >= 0 && labelSmoothing < 1, "at least 0 and below 1");
  for (const end of ["start", "end"] as const) {
    range(`dropout.${end}`, dropout[end], dropout[end] >= 0 && dropout[end] < 1e6, "at least 0");
  }
  if (nesterov && momentum === 0) throw new CnnError("INVALID_ARGUMENT", "fit: nesterov needs a momentum above 0");
  checkFlag("fit: optimiser.nesterov", nesterov);
  checkWord("fit: augment.flip", flip, FLIPS);
  checkSchedule(schedule);
  checkNormalisation(normalisation, channels);
  return {
    epochs,
    batchSize,
    optimiser: {
      learningRate,
      momentum,
      nesterov,
      weightDecay,
      ...(muon !== undefined && { muon: resolveMuon(muon, weightDecay) }),
    },
    schedule,
    labelSmoothing,
    seed,
    augment: { flip, shift },
    normalisation: { mean: [...normalisation.mean], deviation: [...normalisation.deviation] },
    dropout: { start: dropout.start, end: dropout.end },
    ...(averaging !== undefined && { averaging: resolveAveraging(averaging) }),
    ...(clipNorm !== undefined && { clipNorm: range("clipNorm", clipNorm, clipNorm > 0, "above 0") }),
    ...(whitening !== undefined && { whitening: resolveWhitening(whitening) }),
  };
}

function resolveAveraging(options: NonNullable<TrainingOptions["averaging"]>): Required<typeof options> {
  const { decay, from = 0 } = options;
  range("averaging.decay", decay, decay > 0 && decay < 1, "above 0 and below 1");
  range("averaging.from", from, from >= 0 && from <= 1, "between 0 and 1");
  return { decay, from };
}

function resolveMuon(options: MuonOptions, common: number): Required<MuonOptions> {
  const { learningRate, momentum = 0.9, weightDecay = common } = options;
  range("optimiser.muon.learningRate", learningRate, learningRate > 0 && learningRate < 1e6, "above 0");
  range("optimiser.muon.momentum", momentum, momentum >= 0 && momentum < 1, "at least 0 and below 1");
  range("optimiser.muon.weightDecay", weightDecay, weightDecay >= 0 && weightDecay < 1, "at least 0 and below 1");
  return { learningRate, momentum, weightDecay };
}

function resolveWhitening(options: NonNullable<TrainingOptions["whitening"]>): Required<typeof options> {
  const { pictures = 1000, epsilon = 0.01, scale = 0.5 } = options;
  whole("whitening.pictures", pictures, 1);
  range("whitening.epsilon", epsilon, epsilon > 0 && epsilon < Number.POSITIVE_INFINITY, "above 0");
  range("whitening.scale", scale, scale > 0 && scale < Number.POSITIVE_INFINITY, "above 0");
  return { pictures, epsilon, scale };
}

/**
 * Reads a plan from a checkpoint; ranges are checked by {@link resolvePlan}.
 * @throws CnnError INVALID_FILE, INVALID_ARGUMENT
 */
export function readPlan(fields: Fields, channels: number): TrainingPlan {
  const optimiser = fields.fields("optimiser");
  const augment = fields.fields("augment");
  const normalisation = fields.fields("normalisation");
  const dropout = fields.fields("dropout");
  return resolvePlan(
    {
      epochs: fields.number("epochs"),
      batchSize: fields.number("batchSize"),
      optimiser: {
        learningRate: optimiser.number("learningRate"),
        momentum: optimiser.number("momentum"),
        nesterov: optimiser.boolean("nesterov"),
        weightDecay: optimiser.number("weightDecay"),
        ...(optimiser.has("muon") && { muon: readMuon(optimiser.fields("muon")) }),
      },
      schedule: readSchedule(fields.fields("schedule")),
      labelSmoothing: fields.number("labelSmoothing"),
      seed: fields.number("seed"),
      augment: { flip: augment.word("flip", FLIPS), shift: augment.number("shift") },
      normalisation: { mean: normalisation.numbers("mean"), deviation: normalisation.numbers("deviation") },
      dropout: { start: dropout.number("start"), end: dropout.number("end") },
      ...(fields.has("averaging") && { averaging: readAveraging(fields.fields("averaging")) }),
      ...(fields.has("clipNorm") && { clipNorm: fields.number("clipNorm") }),
      ...(fields.has("whitening") && { whitening: readWhitening(fields.fields("whitening")) }),
    },
    channels,
  );
}

function readAveraging(fields: Fields): { decay: number; from: number } {
  return { decay: fields.number("decay"), from: fields.number("from") };
}

function readWhitening(fields: Fields): Required<WhiteningOptions> {
  return { pictures: fields.number("pictures"), epsilon: fields.number("epsilon"), scale: fields.number("scale") };
}

function readMuon(fields: Fields): Required<MuonOptions> {
  return {
    learningRate: fields.number("learningRate"),
    momentum: fields.number("momentum"),
    weightDecay: fields.number("weightDecay"),
  };
}

function readSchedule(fields: Fields): Schedule {
  const type = fields.word("type", ["constant", "triangular", "cosine"]);
  switch (type) {
    case "constant":
      return { type };
    case "triangular":
      return { type, peakAt: fields.number("peakAt"), start: fields.number("start"), end: fields.number("end") };
    case "cosine":
      return { type, warmup: fields.number("warmup"), end: fields.number("end") };
  }
}

/** Path of the first value in which two plans differ, such as `optimiser.momentum`. */
export function planDifference(a: TrainingPlan, b: TrainingPlan): string | undefined {
  return difference(a, b, "");
}

function difference(a: unknown, b: unknown, path: string): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return path;
  const left = new Map<string, unknown>(Object.entries(a));
  const right = new Map<string, unknown>(Object.entries(b));
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const found = difference(left.get(name), right.get(name), path === "" ? name : `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function whole(what: string, value: number, least: number): void {
  range(what, value, Number.isSafeInteger(value) && value >= least, `a whole number of at least ${least}`);
}

function range(what: string, value: number, good: boolean, expected: string): number {
  if (good) return value;
  throw new CnnError("INVALID_ARGUMENT", `fit: ${what} must be ${expected}, not ${shown(value)}`);
}
