import { find } from "./dom.js";

const status = find("status", HTMLElement);
const message = find("message", HTMLElement);

/** The last line that was said to stay. */
let standing = "";

/** How things stand, in one line. */
export function say(line: string): void {
  standing = line;
  status.textContent = line;
}

/** What the page is doing, until it says how things stand then, or takes this back. */
export function sayMeanwhile(line: string): void {
  status.textContent = line;
}

/** Things stand as they stood. */
export function takeBack(): void {
  status.textContent = standing;
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
