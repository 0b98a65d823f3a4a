import { escapeMarkdown } from "./escape.js";
import { recipeRows, runRows } from "./recipe-rows.js";
import {
  accuracyInterval,
  answersOf,
  commonConfusions,
  epochsOf,
  MISTAKES,
  overfitting,
  percent,
  type ReportData,
  SHOWN_CLASSES,
  worstMistakes,
} from "./report.js";

/**
 * The report as Markdown, for a wiki or a pull request.
 * @param pictures folder of its pictures, relative to it
 */
export function markdownReport(report: ReportData, pictures: string): string {
  const { measurement, test, settings, model } = report;
  const { evaluation, flipAveraged, uncalibrated, calibrated } = measurement;
  const mistakes = worstMistakes(answersOf(report), MISTAKES);
  const { low, high } = accuracyInterval(evaluation.correct, evaluation.total);
  return [
    `# ${escapeMarkdown(`${settings.recipe.name} on ${test.name}`)}`,
    `**${percent(evaluation.accuracy)}** of ${evaluation.total} test pictures right ` +
      `(95 % interval ${percent(low, 1)} to ${percent(high, 1)}), test loss ${evaluation.loss.toFixed(4)}.`,
    `With mirror images averaged in (beside the figure above, not instead of it): ${percent(flipAveraged.accuracy)}.`,
    "## Epochs",
    table(
      ["epoch", "training loss", "validation loss", "validation accuracy", "pictures/s", "seconds"],
      epochsOf(report).map((epoch) => [
        String(epoch.epoch),
        epoch.trainLoss.toFixed(4),
        epoch.validationLoss?.toFixed(4) ?? "",
        epoch.validationAccuracy === undefined ? "" : percent(epoch.validationAccuracy),
        epoch.imagesPerSecond.toFixed(0),
        epoch.seconds.toFixed(1),
      ]),
    ),
    ...[overfitting(report) ?? []].flat(),
    `![Loss by epoch](${pictures}/loss.svg)`,
    `![Accuracy on held-out pictures by epoch](${pictures}/accuracy.svg)`,
    "## Classes",
    table(
      ["class", "right", "of", "accuracy"],
      evaluation.perClass.map(({ label, correct, total, accuracy }) => [
        escapeMarkdown(label),
        String(correct),
        String(total),
        percent(accuracy),
      ]),
    ),
    "## What was taken for what",
    ...confusions(report),
    "## What confidence means",
    `Expected calibration error in ${calibrated.bins.length} bins: ${percent(uncalibrated.error)} with temperature 1, ` +
      `${percent(calibrated.error)} with the model's ${calibrated.temperature}.`,
    `![How often answers of each confidence are right](${pictures}/reliability.svg)`,
    "## Surest mistakes",
    ...(mistakes.length === 0
      ? ["None."]
      : [
          `![The pictures in the order of the table, row by row](${pictures}/mistakes.png)`,
          table(
            ["test picture", "is", "the model said", "confidence"],
            mistakes.map(({ picture, file, actual, predicted, confidence }) => [
              file === undefined ? String(picture) : escapeMarkdown(file),
              escapeMarkdown(actual),
              escapeMarkdown(predicted),
              percent(confidence, 1),
            ]),
          ),
        ]),
    "## Filters of the first layer",
    `![Each stretched from its least to its largest weight](${pictures}/filters.png)`,
    "## The recipe",
    table(["", ""], escaped(recipeRows(settings.recipe))),
    "## The run",
    table(["", ""], escaped(runRows(report))),
    "## The network",
    `\`\`\`text\n${model.summary()}\n\`\`\``,
    "",
  ].join("\n\n");
}

function confusions(report: ReportData): string[] {
  const classes = report.test.classes.map(escapeMarkdown);
  if (classes.length > SHOWN_CLASSES) {
    const rows = commonConfusions(report).map(({ actual, predicted, count }) => [
      escapeMarkdown(actual),
      escapeMarkdown(predicted),
      String(count),
    ]);
    return [`The most frequent of ${classes.length} classes.`, table(["it is", "the model said", "pictures"], rows)];
  }
  const rows = report.measurement.evaluation.confusion.map((row, actual) => [
    classes[actual] ?? "",
    ...row.map(String),
  ]);
  return ["Rows: what it is; columns: what the model said.", table(["", ...classes], rows)];
}

function escaped(rows: readonly (readonly [string, string])[]): string[][] {
  return rows.map(([name, value]) => [name, escapeMarkdown(value)]);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
