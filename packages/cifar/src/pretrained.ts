import { fileURLToPath } from "node:url";
import type { LoadedModel } from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import { CifarError } from "./errors.js";

const MODEL = new URL("../models/cifar10.safetensors", import.meta.url);

/**
 * The network with the weights that come with this package, trained on CIFAR-10.
 * @throws CifarError NOT_FOUND if this copy of the package comes without weights
 */
export async function pretrained(): Promise<LoadedModel> {
  try {
    return await readModelFile(fileURLToPath(MODEL));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CifarError(
      "NOT_FOUND",
      "this copy of @cifar/cifar comes without weights: name a model, such as a run's folder",
      {
        cause: error,
      },
    );
  }
}
