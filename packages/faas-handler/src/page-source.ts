import { readFileSync } from "node:fs";

/** The parts of the page. */
export interface PageSource {
  readonly html: string;
  readonly style: string;
  readonly script: string;
}

/**
 * Reads the parts of the page from this package. Where the function is bundled to one file, the bundler puts a module
 * in place of this one that holds them as text.
 */
export function readPageSource(): PageSource {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
  return {
    html: read("../page/index.html"),
    style: read("../page/style.css"),
    // Compiled by the package's build; the same place seen from src/ and from dist/.
    script: read("../dist/page/page.js"),
  };
}
