/** An element of the page by its id. */
export function find<T extends Element>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no #${id} of the kind ${kind.name}.`);
  return found;
}

export function element(name: string, text = "", className = ""): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
