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
threads.value = String(navigator.hardwareConcurrency || 1);

/** What an address may set beforehand, as in `?count=4096&backend=gpu`: a link to an experiment. */
const FIELDS = ["count", "epochs", "recipe", "seed", "backend", "threads"];
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = FIELDS.includes(name) ? document.getElementById(name) : null;
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
}

/** A whole number within the limits that its field has. */
function numberOf(id: string): number {
  const field = find(id, HTMLInputElement);
  const low = field.min === "" ? 0 : Number(field.min);
  const high = field.max === "" ? Number.MAX_SAFE_INTEGER : Number(field.max);
  const value = Math.min(high, Math.max(low, Math.round(field.valueAsNumber || 0)));
  field.value = String(value);
  return value;
}

export function readSettings(): RunSettings {
  return { recipe: recipe.value, epochs: numberOf("epochs"), seed: numberOf("seed") };
}

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

/** How many shapes to draw. */
export function readCount(): number {
  return numberOf("count");
}

/** Calls back when another place to compute has been chosen. */
export function onComputeChange(listener: () => void): void {
  backend.addEventListener("change", listener);
  threads.addEventListener("change", listener);
}
