import { readArchitecture, readParameters } from "./architecture.js";
import { digestOf } from "./digest.js";
import { CnnError } from "./errors.js";
import { checkFinite } from "./finite.js";
import type { TrainingPlan } from "./fit-options.js";
import { Fields } from "./json.js";
import type { Architecture } from "./layers.js";
import { limitCheck, type ReadOptions, resolveLimits } from "./limits.js";
import { parameterShapes, placeLayers } from "./place.js";
import { readPlan } from "./plan.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "./safetensors.js";

/** A run's whole state between two steps. */
export interface Checkpoint {
  readonly architecture: Architecture;
  /** Options that the weights depend on, defaults filled in: `{ ...checkpoint.plan, resume: checkpoint }` goes on. */
  readonly plan: TrainingPlan;
  /** What was trained on: a checkpoint goes on with the same pictures only. */
  readonly data: { readonly name: string; readonly count: number; readonly digest: string };
  /** Steps made. */
  readonly step: number;
  /** Losses of the pictures of the epoch at hand so far. */
  readonly epochLoss: { readonly sum: number; readonly pictures: number };
  /** By name, as in `Sequential.parameters`. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly velocities: ReadonlyMap<string, Float32Array>;
  /** Moving averages of the parameters, where the plan asks for them. */
  readonly averages: ReadonlyMap<string, Float32Array> | undefined;
}

const FORMAT = "cifar-cnn checkpoint 1";

/** The order of an epoch's pictures is kept in words of 32 bits. */
const MOST_PICTURES = 2 ** 32 - 1;

/**
 * Bytes of a checkpoint file: safetensors with the plan and the position in its metadata.
 * @throws CnnError NOT_FINITE naming the tensor that holds NaN or Infinity; SHAPE_MISMATCH if one is missing
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  const { architecture, plan, data, step, epochLoss } = checkpoint;
  const shapes = parameterShapes(placeLayers(architecture));
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [prefix, values] of groups(checkpoint)) {
    for (const [name, shape] of shapes) {
      const data = values.get(name);
      if (data === undefined) throw new CnnError("SHAPE_MISMATCH", `checkpoint: tensor ${prefix}${name} is missing`);
      checkFinite(`checkpoint: tensor ${prefix}${name}`, data);
      tensors.set(prefix + name, { dtype: "F32", shape, data });
    }
  }
  const metadata = {
    format: FORMAT,
    architecture: JSON.stringify(architecture),
    plan: JSON.stringify(plan),
    position: JSON.stringify({ data, step, epochLoss }),
  };
  return encodeSafetensors(tensors, { ...metadata, digest: digest(checkpoint, Object.values(metadata)) });
}

/**
 * Reads a checkpoint file without trusting it.
 * @param options `limits`: of a run that is larger than {@link FILE_LIMITS} allows
 * @throws CnnError INVALID_FILE
 */
export function decodeCheckpoint(bytes: Uint8Array, options: ReadOptions = {}): Checkpoint {
  const limits = resolveLimits(options);
  const { tensors, metadata } = decodeSafetensors(bytes, options);
  const entries = new Map(Object.entries(metadata));
  if (entries.get("format") !== FORMAT) {
    throw new CnnError("INVALID_FILE", `checkpoint: its format is not "${FORMAT}"`);
  }
  const architecture = readArchitecture("checkpoint: architecture", entries.get("architecture"), limits);
  const parameters = readParameters(architecture, tensors, "parameter.");
  const plan = readStoredPlan(
    Fields.parse("checkpoint: plan", entries.get("plan"), limits),
    architecture.input.at(-1)!,
  );
  limitCheck("checkpoint: plan", limits)("batchSize", plan.batchSize);
  const position = Fields.parse("checkpoint: position", entries.get("position"), limits);
  const data = position.fields("data");
  const name = data.string("name");
  const count = data.count("count", 1, MOST_PICTURES);
  const epochLoss = position.fields("epochLoss");
  const checkpoint: Checkpoint = {
    architecture,
    plan,
    data: { name, count, digest: data.string("digest") },
    step: position.count("step", 0),
    epochLoss: { sum: epochLoss.number("sum"), pictures: epochLoss.count("pictures", 0, count) },
    parameters,
    velocities: readParameters(architecture, tensors, "velocity."),
    averages: plan.averaging === undefined ? undefined : readParameters(architecture, tensors, "average."),
  };
  const expected = parameters.size * groups(checkpoint).length;
  const texts = ["format", "architecture", "plan", "position"].map((name) => entries.get(name) ?? "");
  if (tensors.size !== expected || digest(checkpoint, texts) !== entries.get("digest")) {
    throw new CnnError("INVALID_FILE", "checkpoint: it is not what was saved (its digest differs)");
  }
  return checkpoint;
}

function groups(checkpoint: Checkpoint): [string, ReadonlyMap<string, Float32Array>][] {
  const { parameters, velocities, averages } = checkpoint;
  const found: [string, ReadonlyMap<string, Float32Array>][] = [
    ["parameter.", parameters],
    ["velocity.", velocities],
  ];
  if (averages !== undefined) found.push(["average.", averages]);
  return found;
}

/** Over the tensors and what is said about them: a run that goes on from a changed seed would not end with the same bytes. */
function digest(checkpoint: Checkpoint, texts: readonly string[]): string {
  const names = [...parameterShapes(placeLayers(checkpoint.architecture)).keys()];
  return digestOf([
    ...texts.map((text) => [text, new Float32Array(0)] as const),
    ...groups(checkpoint).flatMap(([prefix, values]) =>
      names.map((name) => [prefix + name, values.get(name)!] as const),
    ),
  ]);
}

function readStoredPlan(fields: Fields, channels: number): TrainingPlan {
  try {
    return readPlan(fields, channels);
  } catch (cause) {
    if (!(cause instanceof CnnError) || cause.code === "INVALID_FILE") throw cause;
    throw new CnnError("INVALID_FILE", `checkpoint: plan: ${cause.message}`, { cause });
  }
}
