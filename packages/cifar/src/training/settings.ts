import { cifarCnn, type Dataset, type Json, Sequential, subset } from "@cifar/cnn";
import { CifarError } from "../errors.js";
import type { Recipe } from "../recipes.js";

/** What a run is made of beside its data: kept in its folder, so that it can go on with the same. */
export interface RunSettings {
  readonly recipe: Recipe;
  /** What was written after `--data`; undefined for CIFAR-10 wherever it is found. */
  readonly data?: string;
  /** Only so many of the first training pictures. */
  readonly limit?: number;
  /** Only so many of the first test pictures. */
  readonly testLimit?: number;
  readonly seed: number;
  /** Commit of the program that began the run, where it is known. */
  readonly commit?: string;
}

/** At most this part of the training pictures is held out, however small the data set. */
const MOST_HELD_OUT = 0.1;

/** The network of the mission with as many outputs as there are classes, freshly initialised. */
export function networkFor(recipe: Recipe, classes: number, seed: number): Sequential {
  const { input, layers } = cifarCnn({ dropout: recipe.dropout }).architecture();
  const own = layers.map((layer) => (layer.type === "linear" ? { ...layer, outputs: classes } : layer));
  return new Sequential({ input, layers: own }).initialise({ method: recipe.initialisation, seed });
}

/** The pictures to train on and the last ones, held out. */
export function splitTraining(
  train: Dataset,
  settings: Pick<RunSettings, "recipe" | "limit">,
): { readonly train: Dataset; readonly validation?: Dataset } {
  const heldOut = Math.min(settings.recipe.heldOut, Math.floor(train.count * MOST_HELD_OUT));
  const rest = train.count - heldOut;
  const limit = settings.limit ?? rest;
  return {
    train: subset(train, 0, Math.min(limit, rest)),
    // Who limits the training does not want to wait for the validation.
    ...(heldOut > 0 && { validation: subset(train, rest, rest + Math.min(limit, heldOut)) }),
  };
}

/** Settings as the text that a run's folder keeps. */
export function encodeSettings(settings: RunSettings): string {
  return `${JSON.stringify(settings, null, 2)}\n`;
}

/**
 * Reads what {@link encodeSettings} wrote.
 * @throws CifarError INVALID_DATA
 */
export function decodeSettings(text: string, path: string): RunSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CifarError("INVALID_DATA", `${path}: expected the settings of a run as JSON`, { cause: error });
  }
  if (isSettings(value)) return value;
  throw new CifarError("INVALID_DATA", `${path}: expected the settings of a run, found something else`);
}

/** Whether the parts are there that only this package reads; the recipe's options are checked where they are used. */
function isSettings(value: unknown): value is RunSettings {
  if (!isObject(value) || !isObject(value["recipe"])) return false;
  const { recipe, data, limit, testLimit, seed, commit } = value;
  const optionalCount = (count: unknown) => count === undefined || (Number.isSafeInteger(count) && Number(count) > 0);
  return (
    typeof recipe["name"] === "string" &&
    Number.isSafeInteger(recipe["heldOut"]) &&
    Number(recipe["heldOut"]) >= 0 &&
    typeof recipe["dropout"] === "number" &&
    isObject(recipe["training"]) &&
    (data === undefined || typeof data === "string") &&
    (commit === undefined || typeof commit === "string") &&
    optionalCount(limit) &&
    optionalCount(testLimit) &&
    Number.isSafeInteger(seed)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A recipe as a model file keeps it. */
export function recipeRecord(recipe: Recipe): Json {
  return JSON.parse(JSON.stringify(recipe)) as Json; // plain data by its type
}
