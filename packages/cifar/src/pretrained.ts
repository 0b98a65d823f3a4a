import { fileURLToPath } from "node:url";
import type { LoadedModel } from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import { CifarError } from "./errors.js";

const WITHOUT_WEIGHTS = "this copy of @cifar/cifar comes without weights: name a model, such as a run's folder";

/**
 * The network with the weights that come with this package, trained on CIFAR-10.
 * @throws CifarError NOT_FOUND if this copy of the package comes without weights, as one does that is bundled
 */
export async function pretrained(): Promise<LoadedModel> {
  // What esbuild makes CommonJS of does not know where its package was.
  const { url: here } = import.meta as Partial<ImportMeta>;
  if (here === undefined) throw new CifarError("NOT_FOUND", WITHOUT_WEIGHTS);
  try {
    return await readModelFile(fileURLToPath(new URL("../models/cifar10.safetensors", here)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CifarError("NOT_FOUND", WITHOUT_WEIGHTS, { cause: error });
  }
}
