import type { Json } from "@cifar/cnn";
import { availableThreads } from "@cifar/cnn/node";
import { revectorizationRefusal } from "@cifar/tensor/node";
import type { Command } from "commander";
import { cacheFolder, holdsBinaryVersion, placeOfCifar10 } from "../../dataset/locate.js";
import { type Recipe, recipes } from "../../recipes.js";
import { recipeRows } from "../../report/recipe-rows.js";
import { VERSION } from "../../version.js";
import { backends } from "../backends.js";
import { columns } from "../format.js";
import { openModel } from "../model.js";
import { eitherOf, withOutputOptions } from "../options.js";
import { Output, type OutputOptions } from "../output.js";

export function addInfoCommand(program: Command): void {
  const command = program
    .command("info")
    .description("say what runs here, which recipes there are, or what a model is");
  command
    .argument("[model]", "the same as --model")
    .option("-m, --model <file>", "describe this model file, or that of a run, instead");
  withOutputOptions(command).action(async (bare: string | undefined, flags: OutputOptions & { model?: string }) => {
    const model = eitherOf("--model", flags.model, bare);
    const output = new Output(flags);
    if (model === undefined) describeProgram(output);
    else await describeModel(model, output);
  });
}

function describeProgram(output: Output): void {
  const place = placeOfCifar10(undefined);
  const found = holdsBinaryVersion(place.directory);
  const refusal = revectorizationRefusal();
  const value = {
    version: VERSION,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    backends: backends(),
    revectorization: refusal === undefined ? { possible: true } : { possible: false, reason: refusal },
    threads: availableThreads(),
    recipes: Object.values(recipes),
    cacheFolder: cacheFolder(),
    cifar10: found ? place.directory : null,
  };
  output.result(
    value,
    columns([
      ["@cifar/cifar", value.version],
      ["Node", `${value.node}, ${value.platform}`],
      ...value.backends.map(({ name, available, description }, index): [string, string] => [
        index === 0 ? "backends" : "",
        `${name}: ${available ? "" : "not here: "}${description}`,
      ]),
      [
        "256 bit",
        refusal === undefined ? "yes, if a self-check before computing finds the same bits" : `no: ${refusal}`,
      ],
      ["threads", String(value.threads)],
      ...value.recipes.map((recipe, index): [string, string] => [
        index === 0 ? "recipes" : "",
        `${recipe.name}: ${recipe.description}`,
      ]),
      ["cache folder", value.cacheFolder],
      ["CIFAR-10", value.cifar10 ?? `not in ${place.directory} (${place.source}); cifar data fetch downloads it`],
    ]) + value.recipes.map(describeRecipe).join(""),
  );
}

/** All of a recipe, since its name alone says nothing to who has not read the source. */
function describeRecipe(recipe: Recipe): string {
  return `\n\nrecipe ${recipe.name}\n${columns(recipeRows(recipe).map(([name, value]) => [`  ${name}`, value]))}`;
}

async function describeModel(path: string, output: Output): Promise<void> {
  const { model, card, digest } = await openModel(path);
  output.result(
    { digest, architecture: model.architecture(), parameters: model.parameterCount, ...card },
    [
      model.summary(),
      "",
      columns([
        ["weights", `SHA-256 ${digest}`],
        ["classes", card.classes.join(", ")],
        ["temperature", String(card.temperature ?? 1)],
        ...rowsOf("training", card.training ?? "not told"),
        ...rowsOf("accuracy", card.accuracy ?? "not told"),
      ]),
    ].join("\n"),
  );
}

/** Every value of what a model file says, under its path; of lists of lists and of objects only how long they are. */
function rowsOf(path: string, value: Json): [string, string][] {
  if (Array.isArray(value)) {
    const plain = value.every((entry) => typeof entry !== "object");
    return [[path, plain ? value.join(", ") : `${value.length} entries`]];
  }
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, inner]) => rowsOf(`${path}.${name}`, inner));
}
