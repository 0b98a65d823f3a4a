import { printable } from "@cifar/cnn";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML and for attributes in quotes: class names and paths come from outside. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Text for a cell of a Markdown table; printable, since such files are shown on terminals. */
export function escapeMarkdown(text: string): string {
  return printable(text.replace(/\s+/g, " ")).replace(/[\\`*_[\]<>|]/g, "\\$&");
}
