import { accuracyChart, lossChart, reliabilityOf } from "./curves.js";
import { escapeHtml } from "./escape.js";
import { filterUris, pictureUri } from "./images.js";
import { recipeRows, runRows } from "./recipe-rows.js";
import {
  type Answer,
  accuracyInterval,
  answersOf,
  commonConfusions,
  epochsOf,
  MISTAKES,
  overfitting,
  percent,
  type ReportData,
  SHOWN_CLASSES,
  startOf,
  worstMistakes,
} from "./report.js";
import { STYLE } from "./style.js";

const SAMPLES = 20;

/** The whole report as one HTML page, which needs no other file and no network. */
export function htmlReport(report: ReportData): string {
  const { measurement, test, settings, model } = report;
  const { evaluation, flipAveraged, uncalibrated, calibrated } = measurement;
  const title = `${settings.recipe.name} on ${report.test.name.replace(/ test$/, "")}`;
  const { low, high } = accuracyInterval(evaluation.correct, evaluation.total);
  const answers = answersOf(report);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}: ${percent(evaluation.accuracy, 1)}</title>
<style>
${STYLE}
</style>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="soft">${escapeHtml(settings.recipe.description)}</p>
<div class="facts">
${fact(percent(evaluation.accuracy), `of ${evaluation.total} test pictures right`)}
${fact(`${percent(low, 1)} – ${percent(high, 1)}`, "95 % interval of that")}
${fact(percent(flipAveraged.accuracy), "with mirror images averaged in (beside, not instead)")}
${fact(`${percent(uncalibrated.error, 1)} → ${percent(calibrated.error, 1)}`, `calibration error, by temperature ${calibrated.temperature.toFixed(3)}`)}
${fact(evaluation.loss.toFixed(3), "test loss")}
${fact(grouped(model.parameterCount), "parameters")}
${fact(`${Math.round(meanSpeed(report))}`, "training pictures a second")}
</div>
<div class="columns">
${card("Loss", `${note(overfitting(report))}${lossChart(report)}`)}
${card("Validation accuracy", accuracyChart(report))}
</div>
<div class="columns">
${card("What was taken for what", confusions(report))}
${card("Accuracy of each class", classBars(report))}
</div>
<div class="columns">
${card("What confidence means", reliabilityOf(report))}
${card("Filters of the first layer", `<p class="soft">Each stretched from its least to its largest weight.</p><div class="filters">${filters(report)}</div>`)}
</div>
${card(`The first ${Math.min(SAMPLES, answers.length)} test pictures`, pictures(report, answers.slice(0, SAMPLES)))}
${card(`Surest mistakes among all ${answers.length} test pictures`, pictures(report, worstMistakes(answers, MISTAKES)))}
<div class="columns">
${card("The recipe", `<table class="plain">${tableRows(recipeRows(settings.recipe))}</table>`)}
${card("The run", `<table class="plain">${tableRows(runRows(report))}</table>`)}
</div>
${card("The network", `<pre>${escapeHtml(model.summary())}</pre>`)}
<p class="soft">Test data: ${escapeHtml(test.name)}, ${test.count} pictures.</p>
</main>
</html>
`;
}

function fact(value: string, what: string): string {
  return `<div class="fact"><b>${escapeHtml(value)}</b><span>${escapeHtml(what)}</span></div>`;
}

function card(title: string, content: string): string {
  return `<section class="card"><h2>${escapeHtml(title)}</h2>${content}</section>`;
}

function note(sentence: string | undefined): string {
  return sentence === undefined ? "" : `<p class="soft">${escapeHtml(sentence)}</p>`;
}

function confusions(report: ReportData): string {
  if (report.test.classes.length <= SHOWN_CLASSES) {
    return `${note("Rows: what it is; columns: what the model said.")}${confusionTable(report)}`;
  }
  const rows = commonConfusions(report).map(({ actual, predicted, count }) => [actual, predicted, String(count)]);
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `${note(`The most frequent of ${report.test.classes.length} classes.`)}<table class="plain">
${[line(["it is", "the model said", "pictures"], "th"), ...rows.map((row) => line(row, "td"))].join("\n")}
</table>`;
}

function confusionTable({ measurement: { evaluation }, test }: ReportData): string {
  const heads = test.classes.map((name) => `<th scope="col"><span>${escapeHtml(name)}</span></th>`);
  const rows = evaluation.confusion.map((row, actual) => {
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    const cells = row.map((count, predicted) => {
      // The root lets the rare confusions be seen beside the many right answers.
      const heat = Math.sqrt(count / total) * 0.75;
      const kind = predicted === actual ? ' class="right"' : "";
      return `<td${kind} style="background:rgba(var(--heat),${heat.toFixed(3)})">${count || ""}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(test.classes[actual]!)}</th>${cells.join("")}</tr>`;
  });
  return `<div class="scroll"><table class="confusion"><thead><tr><th></th>${heads.join("")}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>`;
}

function classBars({ measurement: { evaluation } }: ReportData): string {
  const sorted = [...evaluation.perClass].filter(({ total }) => total > 0).sort((a, b) => b.accuracy - a.accuracy);
  const some = sorted.length > SHOWN_CLASSES;
  const rows = sorted
    .slice(some ? -SHOWN_CLASSES : 0)
    .map(
      ({ label, accuracy }) =>
        `<tr><th scope="row">${escapeHtml(label)}</th><td><div class="bar" style="width:${(accuracy * 100).toFixed(1)}%"></div></td>` +
        `<td class="value">${percent(accuracy, 1)}</td></tr>`,
    );
  const which = some ? note(`The ${SHOWN_CLASSES} least of ${sorted.length}.`) : "";
  return `${which}<table class="bars">${rows.join("\n")}</table>`;
}

function pictures(report: ReportData, answers: readonly Answer[]): string {
  if (answers.length === 0) return `<p class="empty">None.</p>`;
  const cells = answers.map(
    ({ picture, file, actual, predicted, confidence, right }) =>
      `<div class="${right ? "right" : "wrong"}"${file === undefined ? "" : ` title="${escapeHtml(file)}"`}>` +
      `<img alt="${escapeHtml(actual)}" src="${pictureUri(report.test, picture)}">` +
      `${escapeHtml(predicted)} ${percent(confidence, 0)}${right ? "" : mistake(actual, file)}</div>`,
  );
  return `<div class="pictures">${cells.join("\n")}</div>`;
}

function mistake(actual: string, file: string | undefined): string {
  const where = file === undefined ? "" : `<br><span class="soft file">${escapeHtml(file)}</span>`;
  return `<br><span class="soft">is: ${escapeHtml(actual)}</span>${where}`;
}

function filters({ model }: ReportData): string {
  return filterUris(model)
    .map((uri, index) => `<img alt="filter ${index}" src="${uri}">`)
    .join("");
}

function tableRows(rows: readonly (readonly [string, string])[]): string {
  return rows
    .map(([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`)
    .join("\n");
}

/** Training pictures a second over all epochs. */
function meanSpeed(report: ReportData): number {
  const pictures = startOf(report)?.data.train ?? 0;
  const seconds = epochsOf(report).reduce((sum, { imagesPerSecond }) => sum + pictures / imagesPerSecond, 0);
  return seconds === 0 ? 0 : (pictures * epochsOf(report).length) / seconds;
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
