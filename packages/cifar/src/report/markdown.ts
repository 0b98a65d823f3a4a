import { escapeMarkdown } from "./escape.js";
import { accuracyInterval, epochsOf, percent, type ReportData, recipeRows } from "./report.js";

/** The report as Markdown, for a terminal, a wiki or a pull request: the same figures without pictures. */
export function markdownReport(report: ReportData): string {
  const { evaluation, test, settings, model } = report;
  const { low, high } = accuracyInterval(evaluation.correct, evaluation.total);
  const classes = test.classes.map(escapeMarkdown);
  return [
    `# ${escapeMarkdown(`${settings.recipe.name} on ${test.name}`)}`,
    `**${percent(evaluation.accuracy)}** of ${evaluation.total} test pictures right ` +
      `(95 % interval ${percent(low, 1)} to ${percent(high, 1)}), test loss ${evaluation.loss.toFixed(4)}.`,
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
    "Rows: what it is; columns: what the model said.",
    table(
      ["", ...classes],
      evaluation.confusion.map((row, actual) => [classes[actual] ?? "", ...row.map(String)]),
    ),
    "## How it was trained",
    table(
      ["", ""],
      recipeRows(report).map(([name, value]) => [name, escapeMarkdown(value)]),
    ),
    "## The network",
    `\`\`\`text\n${model.summary()}\n\`\`\``,
    "",
  ].join("\n\n");
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
