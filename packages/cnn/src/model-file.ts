import { readArchitecture, readParameters } from "./architecture.js";
import { checkNormalisation, type Normalisation } from "./dataset.js";
import { digestOf } from "./digest.js";
import { CnnError } from "./errors.js";
import { checkFinite } from "./finite.js";
import { checkHalves, fromHalves, toHalves } from "./half.js";
import { Fields, parseJson } from "./json.js";
import { type FileLimits, type ReadOptions, resolveLimits } from "./limits.js";
import { checkWord } from "./option.js";
import { listed } from "./printable.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "./safetensors.js";
import { Sequential } from "./sequential.js";

/** Anything that JSON holds. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What a model file says about itself beside its weights: enough to classify and to answer for the accuracy. */
export interface ModelCard {
  readonly classes: readonly string[];
  readonly normalisation: Normalisation;
  /** Logits are divided by it before the softmax; default 1. */
  readonly temperature?: number;
  /** How it was made: recipe, seed, epochs, checksum of the data, and so on. */
  readonly training?: { readonly [name: string]: Json };
  /** What was measured, and on what. */
  readonly accuracy?: { readonly [name: string]: Json };
}

export interface LoadedModel {
  readonly model: Sequential;
  readonly card: ModelCard;
  /** SHA-256 of the weights, see `weightsDigest`; checked against the file's own record of it. */
  readonly digest: string;
}

const FORMAT = "cifar-cnn model 1";

/**
 * Bytes of a model file: safetensors with the card in its metadata.
 * @param options `dtype`: how weights are stored, default F32; F16 halves the file and rounds them
 * @throws CnnError NOT_FINITE naming the tensor that holds NaN or Infinity; INVALID_ARGUMENT for a dtype that there is not, or
 * weights too large for it; SHAPE_MISMATCH, INVALID_ARGUMENT for a card that does not fit
 */
export function saveModel(
  model: Sequential,
  card: ModelCard,
  options: { readonly dtype?: "F32" | "F16" } = {},
): Uint8Array<ArrayBuffer> {
  const { dtype = "F32" } = options;
  checkWord("model file: dtype", dtype, ["F32", "F16"]);
  checkCard(card, model);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, { shape, data }] of model.parameters) {
    checkFinite(`model file: tensor ${name}`, data);
    if (dtype === "F16") checkHalves(name, data);
    tensors.set(name, { dtype, shape, data: dtype === "F32" ? data : fromHalves(toHalves(data)) });
  }
  const metadata: Record<string, string> = {
    format: FORMAT,
    architecture: JSON.stringify(model.architecture()),
    classes: JSON.stringify(card.classes),
    normalisation: JSON.stringify(card.normalisation),
    weightsDigest: digestOf([...tensors].map(([name, { data }]) => [name, data as Float32Array])),
  };
  for (const name of ["temperature", "training", "accuracy"] as const) {
    if (card[name] !== undefined) metadata[name] = JSON.stringify(card[name]);
  }
  return encodeSafetensors(tensors, metadata);
}

/**
 * Reads a model file without trusting it: what it may ask for is limited, and no more is allocated than its bytes hold.
 * @param options `limits`: of a network that is larger than {@link FILE_LIMITS} allows
 * @throws CnnError INVALID_FILE
 */
export function loadModel(bytes: Uint8Array, options: ReadOptions = {}): LoadedModel {
  const limits = resolveLimits(options);
  const { tensors, metadata } = decodeSafetensors(bytes, options);
  const entries = new Map(Object.entries(metadata));
  if (entries.get("format") !== FORMAT) {
    throw new CnnError("INVALID_FILE", `model file: its format is not "${FORMAT}" (weights of PyTorch are imported)`);
  }
  const architecture = readArchitecture("model file: architecture", entries.get("architecture"), limits);
  const values = readParameters(architecture, tensors, "");
  const model = new Sequential(architecture).assign(values);
  if (tensors.size !== values.size) throw new CnnError("INVALID_FILE", "model file: holds tensors of no layer");
  const digest = digestOf(values);
  if (digest !== entries.get("weightsDigest")) {
    throw new CnnError("INVALID_FILE", "model file: the weights are not those that were saved (their digest differs)");
  }
  const card = readCard(entries, limits);
  try {
    checkCard(card, model);
  } catch (cause) {
    if (!(cause instanceof CnnError)) throw cause;
    throw new CnnError("INVALID_FILE", `model file: ${cause.message}`, { cause });
  }
  return { model, card, digest };
}

function readCard(entries: ReadonlyMap<string, string>, limits: FileLimits): ModelCard {
  const classes = parseJson("model file: classes", entries.get("classes"), limits);
  const normalisation = Fields.parse("model file: normalisation", entries.get("normalisation"), limits);
  const temperature = entries.get("temperature");
  const training = entries.get("training");
  const accuracy = entries.get("accuracy");
  return {
    classes: new Fields("model file", { classes }).strings("classes"),
    normalisation: { mean: normalisation.numbers("mean"), deviation: normalisation.numbers("deviation") },
    ...(temperature !== undefined && {
      temperature: new Fields("model file", {
        temperature: parseJson("model file: temperature", temperature, limits),
      }).number("temperature"),
    }),
    ...(training !== undefined && { training: readRecord("training", training, limits) }),
    ...(accuracy !== undefined && { accuracy: readRecord("accuracy", accuracy, limits) }),
  };
}

function readRecord(name: string, text: string, limits: FileLimits): { readonly [name: string]: Json } {
  const value = parseJson(`model file: ${name}`, text, limits);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as { readonly [name: string]: Json }; // whatever JSON.parse returns is Json
  }
  throw new CnnError("INVALID_FILE", `model file: ${name} must be an object`);
}

function checkCard(card: ModelCard, model: Sequential): void {
  const outputs = model.outputShape;
  if (outputs.length !== 1 || card.classes.length !== outputs[0]) {
    throw new CnnError(
      "SHAPE_MISMATCH",
      `${card.classes.length} classes do not fit the network's output ${listed(outputs)}`,
    );
  }
  const other = card.classes.findIndex((name) => typeof name !== "string");
  if (other >= 0)
    throw new CnnError("INVALID_ARGUMENT", `classes[${other}] must be a string, not ${card.classes[other]}`);
  for (const name of ["training", "accuracy"] as const) {
    const record: unknown = card[name];
    if (record === undefined || (typeof record === "object" && record !== null && !Array.isArray(record))) continue;
    throw new CnnError("INVALID_ARGUMENT", `${name} must be an object of plain data, not ${record}`);
  }
  checkNormalisation(card.normalisation, model.input.at(-1)!);
  const { temperature = 1 } = card;
  if (!(Number.isFinite(temperature) && temperature > 0)) {
    throw new CnnError("INVALID_ARGUMENT", `temperature must be above 0, not ${temperature}`);
  }
}
