import type { Dataset, Evaluation, ModelCard, Sequential } from "@cifar/cnn";
import type { RunEpoch, RunEvent, RunStart, RunStep } from "../training/events.js";
import type { RunSettings } from "../training/settings.js";

/** All that a report tells about a run. */
export interface ReportData {
  readonly model: Sequential;
  readonly card: ModelCard;
  readonly settings: RunSettings;
  readonly test: Dataset;
  readonly evaluation: Evaluation;
  readonly events: readonly RunEvent[];
  /** [pictures, classes] for the first pictures of `test`. */
  readonly probabilities: Float32Array;
}

/** A test picture and what the model said. */
export interface Answer {
  readonly picture: number;
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

/** What the model said to each picture that it was asked about, in their order. */
export function answersOf(report: ReportData): Answer[] {
  const { probabilities, test } = report;
  const classes = test.classes.length;
  return Array.from({ length: probabilities.length / classes }, (_, picture) => {
    const row = probabilities.subarray(picture * classes, (picture + 1) * classes);
    const best = row.indexOf(Math.max(...row));
    const actual = test.labels[picture]!;
    return {
      picture,
      actual: test.classes[actual]!,
      predicted: test.classes[best] ?? "none",
      confidence: row[best] ?? Number.NaN,
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

/**
 * Half the width of the 95 % interval of an accuracy measured on so many pictures, by Wilson's formula
 * (JASA 22, 1927), which holds near 0 and 1 too.
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

/** The recipe's parts as name and value, for a table. */
export function recipeRows(report: ReportData): [string, string][] {
  const { recipe, seed, limit } = report.settings;
  const { optimiser, schedule, augment, epochs, batchSize, labelSmoothing } = recipe.training;
  const start = startOf(report);
  return [
    ["recipe", recipe.name],
    ["epochs", String(epochs)],
    ["batch", String(batchSize ?? 64)],
    [
      "optimiser",
      `SGD ${optimiser.learningRate}, momentum ${optimiser.momentum ?? 0.9}${optimiser.nesterov === false ? "" : " (Nesterov)"}` +
        (optimiser.weightDecay ? `, weight decay ${optimiser.weightDecay}` : ""),
    ],
    ["learning rate", schedule?.type ?? "constant"],
    ["label smoothing", String(labelSmoothing ?? 0)],
    ["dropout", String(recipe.dropout)],
    ["augmentation", describeAugmentation(augment)],
    ["seed", String(seed)],
    ["training pictures", `${start?.data.train ?? "?"}${limit === undefined ? "" : ` (limited to ${limit})`}`],
    ["held out", String(start?.data.validation ?? "?")],
    [
      "computed by",
      `${start?.backend ?? "?"}, ${start?.threads ?? "?"} ${start?.threads === 1 ? "thread" : "threads"}`,
    ],
  ];
}

function describeAugmentation(augment: ReportData["settings"]["recipe"]["training"]["augment"]): string {
  const parts = [
    augment?.flip !== undefined && augment.flip !== "none" ? `flip ${augment.flip}` : "",
    augment?.shift ? `shift by up to ${augment.shift}` : "",
  ].filter((part) => part !== "");
  return parts.join(", ") || "none";
}
