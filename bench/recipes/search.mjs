/**
 * Tries a change of a recipe on held-out training pictures, never on the test set:
 *
 *     node bench/recipes/search.mjs --recipe fast --change '{"labelSmoothing": 0.05}' --seeds 3
 *
 * Trains on the first 45,000 pictures and prints, for each seed, the accuracy on the last 5,000 after every epoch.
 */
import { parseArgs } from "node:util";
import { CIFAR10_NORMALISATION, loadCifar10, networkFor, recipeOf } from "@cifar/cifar";
import { fit, subset } from "@cifar/cnn";
import { enableRevectorization } from "@cifar/tensor/node";
import { meanAndDeviation } from "../dist/statistics.js";

const HELD_OUT = 5000;

const { values } = parseArgs({
  options: {
    recipe: { type: "string", default: "fast" },
    change: { type: "string", default: "{}" },
    dropout: { type: "string" },
    seeds: { type: "string", default: "1" },
    threads: { type: "string" },
  },
});

enableRevectorization();
const recipe = recipeOf(values.recipe);
const { train } = await loadCifar10();
const data = {
  train: subset(train, 0, train.count - HELD_OUT),
  validation: subset(train, train.count - HELD_OUT, train.count),
};
const finals = [];
for (let seed = 0; seed < Number(values.seeds); seed++) {
  const changed = { ...recipe, dropout: Number(values.dropout ?? recipe.dropout) };
  const model = networkFor(changed, train.classes.length, seed);
  const options = {
    ...recipe.training,
    ...JSON.parse(values.change),
    normalisation: CIFAR10_NORMALISATION,
    seed,
    ...(values.threads && { threads: Number(values.threads) }),
  };
  for await (const event of fit(model, data, options)) {
    if (event.type !== "epoch") continue;
    const { epoch, trainLoss, validationAccuracy, imagesPerSecond } = event;
    console.log(JSON.stringify({ seed, epoch, trainLoss, validationAccuracy, imagesPerSecond }));
    if (epoch === options.epochs) finals.push(validationAccuracy);
  }
}
const { mean, deviation } = meanAndDeviation(finals);
console.log(
  JSON.stringify({
    recipe: values.recipe,
    change: values.change,
    dropout: values.dropout,
    seeds: finals.length,
    mean,
    deviation,
  }),
);
