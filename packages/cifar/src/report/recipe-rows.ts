import type { Recipe } from "../recipes.js";
import { type ReportData, startOf } from "./report.js";

/** A recipe in full as names and values, for a table: `cifar info` and the report show it. */
export function recipeRows(recipe: Recipe): [string, string][] {
  const { training } = recipe;
  const { optimiser, schedule = { type: "constant" }, augment, whitening, averaging, dropout } = training;
  const { momentum = 0.9, nesterov = momentum > 0, weightDecay = 0, muon } = optimiser;
  const rows: [string, string | false][] = [
    ["epochs", `${training.epochs}, batches of ${training.batchSize ?? 64}`],
    [
      "optimiser",
      `SGD ${optimiser.learningRate}, momentum ${momentum}${nesterov ? " (Nesterov)" : ""}, weight decay ${weightDecay}`,
    ],
    [
      "filters",
      muon !== undefined &&
        `Muon ${muon.learningRate}, momentum ${muon.momentum ?? 0.9}, weight decay ${muon.weightDecay ?? weightDecay}`,
    ],
    ["learning rate", describeSchedule(schedule)],
    [
      "first weights",
      recipe.initialisation === "pytorch" ? "uniform as PyTorch draws them" : "normal as He et al. draw them",
    ],
    [
      "first filters",
      whitening !== undefined &&
        `whitening of ${whitening.pictures ?? 1000} pictures, epsilon ${whitening.epsilon ?? 0.01}, times ${whitening.scale ?? 0.5}`,
    ],
    ["label smoothing", String(training.labelSmoothing ?? 0)],
    [
      "dropout",
      `${recipe.dropout}${dropout === undefined ? "" : `, times ${dropout.start} at first and ${dropout.end} at last`}`,
    ],
    ["augmentation", describeAugmentation(augment)],
    [
      "averaging",
      averaging !== undefined && `of the weights, decay ${averaging.decay}, from ${averaging.from ?? 0} of the run on`,
    ],
    ["gradient norm", training.clipNorm !== undefined && `at most ${training.clipNorm}`],
    ["held out", `${recipe.heldOut} training pictures`],
    ["temperature", recipe.temperature !== undefined && String(recipe.temperature)],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== false);
}

/** What is to be known of a run beside its recipe. */
export function runRows(report: ReportData): [string, string][] {
  const { recipe, seed, limit, commit } = report.settings;
  const start = startOf(report);
  const threads = `${start?.threads ?? "?"} ${start?.threads === 1 ? "thread" : "threads"}`;
  const rows: [string, string][] = [
    ["recipe", recipe.name],
    ["seed", String(seed)],
    [
      "pictures",
      `${start?.data.train ?? "?"} trained on${limit === undefined ? "" : ` (limited to ${limit})`}, ` +
        `${start?.data.validation ?? "?"} held out, ${report.test.count} tested`,
    ],
    ["computed by", `${start?.backend ?? "?"}, ${threads}`],
    ["program", commit === undefined ? "" : `commit ${commit.slice(0, 12)}`],
  ];
  return rows.filter(([, value]) => value !== "");
}

function describeSchedule(schedule: NonNullable<Recipe["training"]["schedule"]>): string {
  const { type, ...numbers } = schedule;
  return [type, ...Object.entries(numbers).map(([name, value]) => `${name} ${value}`)].join(", ");
}

function describeAugmentation(augment: Recipe["training"]["augment"]): string {
  const parts = [
    augment?.flip !== undefined && augment.flip !== "none" ? `flip ${augment.flip}` : "",
    augment?.shift ? `shift by up to ${augment.shift} pixels` : "",
  ].filter((part) => part !== "");
  return parts.join(", ") || "none";
}
