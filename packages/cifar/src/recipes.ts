import type { TrainingOptions } from "@cifar/cnn";
import { CifarError } from "./errors.js";

/** Everything that makes one way of training, as plain data; `cifar info` prints it, a model file keeps it. */
export interface Recipe {
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** How many of the last training pictures are held out to validate on. */
  readonly heldOut: number;
  /** Rate of the network's dropout layers. */
  readonly dropout: number;
  /** How the first weights are drawn. */
  readonly initialisation: "pytorch" | "he";
  /** Seed and normalisation come from the run and its data. */
  readonly training: Omit<TrainingOptions, "seed" | "normalisation">;
}

/** The recipe that the network came with: 72.2 % of CIFAR-10's test pictures after three epochs. */
const paper: Recipe = {
  name: "paper",
  description: "SGD 0.01 with Nesterov momentum 0.9, batches of 64, dropout 0.1, no augmentation, 3 epochs",
  heldOut: 1000,
  dropout: 0.1,
  initialisation: "pytorch",
  training: {
    epochs: 3,
    batchSize: 64,
    optimiser: { learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0 },
    schedule: { type: "constant" },
    labelSmoothing: 0,
  },
};

/** All recipes by name. */
export const recipes: Readonly<Record<string, Recipe>> = { paper };

/** What of a recipe can be changed for one run. */
export interface RecipeChanges {
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
}

/**
 * A recipe by name, with changes.
 * @throws CifarError INVALID_ARGUMENT if there is none of that name
 */
export function recipeOf(name: string, changes: RecipeChanges = {}): Recipe {
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe === undefined) {
    throw new CifarError(
      "INVALID_ARGUMENT",
      `there is no recipe ${name}: choose of ${Object.keys(recipes).join(", ")}`,
    );
  }
  const { epochs, batchSize, learningRate } = changes;
  const changed = [
    epochs === undefined ? "" : `epochs ${epochs}`,
    batchSize === undefined ? "" : `batch ${batchSize}`,
    learningRate === undefined ? "" : `learning rate ${learningRate}`,
  ].filter((change) => change !== "");
  return {
    ...recipe,
    description: changed.length === 0 ? recipe.description : `${recipe.description}; changed: ${changed.join(", ")}`,
    training: {
      ...recipe.training,
      ...(epochs !== undefined && { epochs }),
      ...(batchSize !== undefined && { batchSize }),
      ...(learningRate !== undefined && { optimiser: { ...recipe.training.optimiser, learningRate } }),
    },
  };
}
