import { find } from "./dom.js";

const status = find("status", HTMLElement);
const message = find("message", HTMLElement);

/** What the page is doing, in one line. */
export function say(line: string): void {
  status.textContent = line;
}

/** What went otherwise than asked for, in one line, until {@link hush}. */
export function warn(line: string, kind: "notice" | "error"): void {
  message.textContent = line;
  message.className = kind;
  message.hidden = false;
}

export function hush(): void {
  message.hidden = true;
  message.textContent = "";
}
