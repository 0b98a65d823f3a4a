import type { LayerDescription, LoadedModel } from "@cifar/cnn";
import type { Card } from "./classifier.js";
import { VERSION } from "./version.js";

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function numberOr<T>(value: unknown, fallback: T): number | T {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** A share of pictures, if it is one: an accuracy of 7 was never measured. */
function shareOr<T>(value: unknown, fallback: T): number | T {
  const number = numberOr(value, undefined);
  return number !== undefined && number >= 0 && number <= 1 ? number : fallback;
}

/** More pictures than any file holds. */
const MOST_PICTURES = 2 ** 32;

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= MOST_PICTURES;
}

function textOr<T>(value: unknown, fallback: T): string | T {
  return typeof value === "string" ? value : fallback;
}

/** A layer in the words of the field, such as `conv2d 3×3, 32`. */
function layerText(layer: LayerDescription): string {
  switch (layer.type) {
    case "conv2d":
      return `conv2d ${layer.kernel}×${layer.kernel}, ${layer.filters}`;
    case "linear":
      return `linear ${layer.outputs}`;
    case "maxPool2d":
      return `maxPool2d ${layer.size}×${layer.size}`;
    case "dropout":
      return `dropout ${layer.rate}`;
    default:
      return layer.type;
  }
}

/** Counts by [actual][predicted], if the file holds them and they fit the classes. */
function confusionOf(accuracy: Fields, classes: number): number[][] | undefined {
  const { confusion } = accuracy;
  const row = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length === classes && value.every((count) => isCount(count, 0));
  return Array.isArray(confusion) && confusion.length === classes && confusion.every(row) ? confusion : undefined;
}

interface CurvePoint {
  readonly epoch: number;
  /** On pictures held out; absent where none were. */
  readonly accuracy: number | undefined;
  /** Mean over the epoch. */
  readonly loss: number | undefined;
}

/** What was measured after each epoch, if the file holds it. */
function curveOf(training: Fields): CurvePoint[] | undefined {
  const { curve } = training;
  if (!Array.isArray(curve)) {
    return undefined;
  }
  return curve.map(fields).flatMap(({ epoch, validationAccuracy, trainLoss }) => {
    const accuracy = shareOr(validationAccuracy, undefined);
    const loss = numberOr(trainLoss, undefined);
    return isCount(epoch, 1) && (accuracy ?? loss) !== undefined ? [{ epoch, accuracy, loss }] : [];
  });
}

/**
 * What the function tells of a model file: its accuracy as it was measured when the model was trained, and on what;
 * nothing in it is computed anew.
 */
export function cardOf({ model, card, digest }: LoadedModel): Card {
  const measured = fields(card.accuracy);
  const training = fields(card.training);
  const recipe = fields(training["recipe"]);
  const total = isCount(measured["total"], 1) ? measured["total"] : undefined;
  const data = textOr(measured["data"], undefined);
  return {
    accuracy: shareOr(measured["accuracy"], null),
    measuredOn: data === undefined ? undefined : `${total === undefined ? "" : `${total} pictures of `}${data}`,
    epochs: numberOr(
      fields(recipe["training"])["epochs"],
      numberOr(recipe["epochs"], numberOr(training["epochs"], null)),
    ),
    recipe: textOr(recipe["name"], textOr(training["recipe"], undefined)),
    seed: numberOr(training["seed"], undefined),
    classes: card.classes,
    input: model.input,
    layers: model.layers.map(layerText),
    parameters: model.parameterCount,
    digest,
    version: VERSION,
    confusion: confusionOf(measured, card.classes.length),
    curve: curveOf(training),
  };
}
