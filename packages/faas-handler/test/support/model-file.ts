import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "@cifar/cifar";
import { cifarCnn, type Json, type ModelCard, type Sequential, saveModel } from "@cifar/cnn";

/** A folder as a function's own: model.safetensors in it, other files as the test likes. */
export interface FunctionFolder {
  readonly path: string;
  readonly modelPath: string;
  remove(): void;
}

export function makeFunctionFolder(model: Sequential = cifarCnn(), card: Partial<ModelCard> = {}): FunctionFolder {
  const path = mkdtempSync(join(tmpdir(), "cifar-function-"));
  const modelPath = join(path, "model.safetensors");
  writeFileSync(
    modelPath,
    saveModel(model, { classes: CIFAR10_CLASSES, normalisation: CIFAR10_NORMALISATION, ...card }),
  );
  return { path, modelPath, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What training leaves in a model file, made up. */
export const MADE_UP_RECORD = {
  training: {
    recipe: { name: "paper", training: { epochs: 3 } },
    seed: 7,
    curve: [
      { epoch: 1, validationAccuracy: 0.55, trainLoss: 1.5 },
      { epoch: 2, validationAccuracy: 0.66 },
      { epoch: 3, validationAccuracy: 0.72 },
    ],
  },
  accuracy: {
    data: "CIFAR-10 test",
    total: 10_000,
    accuracy: 0.7222,
    confusion: CIFAR10_CLASSES.map((_, actual) =>
      CIFAR10_CLASSES.map((__, predicted) => (actual === predicted ? 700 : 33)),
    ),
  },
} satisfies Record<string, { readonly [name: string]: Json }>;
