import type { Dataset, ModelCard, Sequential } from "@cifar/cnn";
import type { RunEpoch, RunEvent, RunStart, RunStep } from "../training/events.js";
import type { Measurement } from "../training/measure.js";
import type { RunSettings } from "../training/settings.js";

/** All that a report tells about a run. */
export interface ReportData {
  readonly model: Sequential;
  readonly card: ModelCard;
  readonly settings: RunSettings;
  readonly test: Dataset;
  readonly measurement: Measurement;
  readonly events: readonly RunEvent[];
}

/** So many of the surest mistakes are shown. */
export const MISTAKES = 20;

/** A test picture and what the model said. */
export interface Answer {
  readonly picture: number;
  /** Where it comes from, for data that say so. */
  readonly file?: string;
  readonly actual: string;
  readonly predicted: string;
  readonly confidence: number;
  readonly right: boolean;
}

export function stepsOf(report: ReportData): RunStep[] {
  return report.events.filter((event) => event.type === "step");
}

export function epochsOf(report: ReportData): RunEpoch[] {
  return report.events.filter((event) => event.type === "epoch");
}

/** How the run started last; a resumed run has started several times. */
export function startOf(report: ReportData): RunStart | undefined {
  return report.events.findLast((event) => event.type === "start");
}

/** What the model said to each test picture, in their order. */
export function answersOf({ measurement, test }: Pick<ReportData, "measurement" | "test">): Answer[] {
  const { logits, calibrated } = measurement;
  const classes = test.classes.length;
  return Array.from({ length: test.count }, (_, picture) => {
    const row = logits.subarray(picture * classes, (picture + 1) * classes);
    const largest = Math.max(...row);
    const best = row.indexOf(largest);
    const actual = test.labels[picture]!;
    const file = test.files?.[picture];
    return {
      picture,
      ...(file !== undefined && { file }),
      actual: test.classes[actual]!,
      predicted: test.classes[best] ?? "none",
      confidence: 1 / row.reduce((sum, logit) => sum + Math.exp((logit - largest) / calibrated.temperature), 0),
      right: best === actual,
    };
  });
}

/** The pictures that the model was surest about and wrong. */
export function worstMistakes(answers: readonly Answer[], count: number): Answer[] {
  return answers
    .filter(({ right }) => !right)
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, count);
}

/** With more classes than this a table of all pairs would be a sea of zeros: the report shows what matters of them. */
export const SHOWN_CLASSES = 40;

/** Pictures of one class that were taken for another. */
interface Confusion {
  readonly actual: string;
  readonly predicted: string;
  readonly count: number;
}

/** What was taken for what most often, the most frequent first. */
export function commonConfusions({ measurement, test }: Pick<ReportData, "measurement" | "test">): Confusion[] {
  return measurement.evaluation.confusion
    .flatMap((row, actual) =>
      row.map((count, predicted) => ({ actual: test.classes[actual]!, predicted: test.classes[predicted]!, count })),
    )
    .filter(({ actual, predicted, count }) => count > 0 && actual !== predicted)
    .sort((a, b) => b.count - a.count)
    .slice(0, SHOWN_CLASSES);
}

/** A loss that has grown by more than this share since it was least has not only wavered. */
const GROWN = 0.05;

/** What the losses say of over-fitting, in a sentence; undefined where they say nothing of it. */
export function overfitting(report: ReportData): string | undefined {
  const epochs = epochsOf(report).filter(({ validationLoss }) => validationLoss !== undefined);
  const last = epochs.at(-1);
  if (last === undefined) return undefined;
  const best = epochs.reduce((least, each) => (each.validationLoss! < least.validationLoss! ? each : least));
  const grown = last.validationLoss! > best.validationLoss! * (1 + GROWN);
  if (!grown || last.trainLoss >= best.trainLoss) return undefined;
  return (
    `Over-fitted: the loss of the held-out pictures was least after epoch ${best.epoch} (${best.validationLoss!.toFixed(3)}) ` +
    `and is ${last.validationLoss!.toFixed(3)} after epoch ${last.epoch}, while that of the training pictures fell from ` +
    `${best.trainLoss.toFixed(3)} to ${last.trainLoss.toFixed(3)}. Fewer epochs or more pictures may do better.`
  );
}

/**
 * 95 % interval of an accuracy measured on so many pictures, by Wilson's formula (JASA 22, 1927), which holds near 0 and
 * 1 too.
 */
export function accuracyInterval(correct: number, total: number): { readonly low: number; readonly high: number } {
  const z = 1.959964;
  const share = correct / total;
  const centre = (share + z ** 2 / (2 * total)) / (1 + z ** 2 / total);
  const half = (z / (1 + z ** 2 / total)) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  return { low: centre - half, high: centre + half };
}

/** 0.7221 → `72.21 %`. */
export function percent(value: number, digits = 2): string {
  return `${(value * 100).toFixed(digits)} %`;
}
