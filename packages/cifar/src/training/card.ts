import { type Dataset, dataDigest, type ModelCard, type Normalisation } from "@cifar/cnn";
import { accuracyInterval } from "../report/report.js";
import type { RunEvent } from "./events.js";
import type { Measurement, Temperature } from "./measure.js";
import { type RunSettings, recipeRecord } from "./settings.js";

/** Of more classes the matrix would outweigh the header of the file: it stays in the output of `cifar eval --json`. */
const MOST_CONFUSED = 256;

/** What a model file says of the run that made it: no time and no place, so that the same run gives the same bytes. */
export function modelCard(run: {
  settings: RunSettings;
  train: Dataset;
  test: Dataset;
  normalisation: Normalisation;
  temperature: Temperature;
  measurement: Measurement;
  events: readonly RunEvent[];
}): ModelCard {
  const { settings, train, test, normalisation, temperature, measurement, events } = run;
  const { evaluation, flipAveraged, uncalibrated, calibrated } = measurement;
  const { low, high } = accuracyInterval(evaluation.correct, evaluation.total);
  return {
    classes: train.classes,
    normalisation,
    temperature: temperature.value,
    training: {
      recipe: recipeRecord(settings.recipe),
      seed: settings.seed,
      ...(settings.commit !== undefined && { commit: settings.commit }),
      data: { name: train.name, pictures: train.count, digest: dataDigest(train) },
      curve: events.flatMap((event) => (event.type === "epoch" ? [curvePoint(event)] : [])),
    },
    accuracy: {
      data: test.name,
      digest: dataDigest(test),
      correct: evaluation.correct,
      total: evaluation.total,
      accuracy: evaluation.accuracy,
      interval: { level: 0.95, low, high },
      perClass: evaluation.perClass.map(({ label, correct, total, accuracy }) => ({ label, correct, total, accuracy })),
      ...(train.classes.length <= MOST_CONFUSED && { confusion: evaluation.confusion }),
      flipAveraged: { correct: flipAveraged.correct, accuracy: flipAveraged.accuracy },
      calibration: {
        temperature: temperature.source,
        bins: calibrated.bins.length,
        errorBefore: uncalibrated.error,
        errorAfter: calibrated.error,
      },
    },
  };
}

/** What a model file keeps of an epoch; nothing that depends on the machine. */
function curvePoint(event: Extract<RunEvent, { type: "epoch" }>): { readonly [name: string]: number } {
  const { epoch, trainLoss, validationLoss, validationAccuracy } = event;
  return {
    epoch,
    trainLoss,
    ...(validationLoss !== undefined && { validationLoss }),
    ...(validationAccuracy !== undefined && { validationAccuracy }),
  };
}
