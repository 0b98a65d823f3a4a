import { recipes } from "@cifar/cifar/browser";
import type { Compute, RunSettings } from "../protocol.js";
import { find } from "./dom.js";

const recipe = find("recipe", HTMLSelectElement);
const backend = find("backend", HTMLSelectElement);
const threads = find("threads", HTMLInputElement);
const FIRST_RECIPE = "fast";

for (const { name, description } of Object.values(recipes)) {
  const option = new Option(name, name, name === FIRST_RECIPE, name === FIRST_RECIPE);
  option.title = description;
  recipe.add(option);
}
threads.value = String(Math.min(Number(threads.max), navigator.hardwareConcurrency || 1));

/** What an address may set beforehand, as in `?count=4096&backend=gpu`: a link to an experiment. */
const FIELDS = ["count", "epochs", "recipe", "seed", "backend", "threads"];
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = FIELDS.includes(name) ? document.getElementById(name) : null;
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
}

/**
 * The number in a field.
 * @throws Error naming the field, with the browser's own words, if the field takes no such number
 */
function numberOf(id: string): number {
  const field = find(id, HTMLInputElement);
  if (field.checkValidity()) return field.valueAsNumber;
  field.focus();
  throw new Error(`${field.labels?.[0]?.textContent}: ${field.validationMessage}`);
}

/** @throws Error as {@link numberOf} */
export function readSettings(): RunSettings {
  return { recipe: recipe.value, epochs: numberOf("epochs"), seed: numberOf("seed") };
}

/** @throws Error as {@link numberOf} */
export function readCompute(): Compute {
  const threads = numberOf("threads");
  switch (backend.value) {
    case "wasm":
    case "gpu":
    case "reference":
      return { backend: backend.value, threads };
    default:
      return { threads };
  }
}

/**
 * How many shapes to draw.
 * @throws Error as {@link numberOf}
 */
export function readCount(): number {
  return numberOf("count");
}

/** Calls back when another place to compute has been chosen. */
export function onComputeChange(listener: () => void): void {
  backend.addEventListener("change", listener);
  threads.addEventListener("change", listener);
}
