/**
 * Trains a recipe once for each seed, as `cifar train` does, and sums up what its models do on the test pictures:
 *
 *     node bench/recipes/seeds.mjs --recipe fast --seeds 5
 *     node bench/recipes/seeds.mjs --recipe fast --seeds 5 --dropout 0.1 --keep seeds.jsonl
 *
 * A line of JSON for each run goes to `--keep`; runs that it holds already are not made again.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { trainRecipe } from "../dist/recipes/train.js";
import { formatPercent, meanAndDeviation } from "../dist/statistics.js";

const { values } = parseArgs({
  options: {
    recipe: { type: "string", default: "fast" },
    seeds: { type: "string", default: "5" },
    dropout: { type: "string" },
    epochs: { type: "string" },
    keep: { type: "string" },
  },
});
const { recipe, dropout, epochs, keep } = values;
const changes = { ...(dropout !== undefined && { dropout }), ...(epochs !== undefined && { epochs }) };

const kept =
  keep !== undefined && existsSync(keep) ? readFileSync(keep, "utf8").trim().split("\n").map(JSON.parse) : [];
const runs = [];
for (let seed = 0; seed < Number(values.seeds); seed++) {
  const order = { recipe, changes, seed };
  let run = kept.find((one) => isDeepStrictEqual({ recipe: one.recipe, changes: one.changes, seed: one.seed }, order));
  if (run === undefined) {
    run = { ...order, node: process.versions.node, ...(await trainRecipe(order)) };
    if (keep !== undefined) appendFileSync(keep, `${JSON.stringify(run)}\n`);
  }
  runs.push(run);
  console.error(
    `${recipe} seed ${seed}: ${formatPercent(run.testAccuracy, 2)}, ${Math.round(run.seconds)} s, ${run.digest}`,
  );
}

const { mean, deviation } = meanAndDeviation(runs.map(({ testAccuracy }) => testAccuracy));
const mirrored = meanAndDeviation(runs.map(({ flipAveraged }) => flipAveraged));
const named = Object.entries(changes).map(([name, value]) => `, ${name} ${value}`);
console.log(
  `| ${recipe}${named.join("")} | ${runs.length} | ${formatPercent(mean, 2)} ± ${(100 * deviation).toFixed(2)} ` +
    `| ${runs.map(({ testAccuracy }) => (100 * testAccuracy).toFixed(2)).join(", ")} | ${formatPercent(mirrored.mean, 2)} |`,
);
