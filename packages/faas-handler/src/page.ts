import { createHash } from "node:crypto";
import type { FunctionAnswer } from "./message.js";
import { type PageSource, readPageSource } from "./page-source.js";

export const HTML_TYPE = "text/html";

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/**
 * Puts style and script into the page and allows exactly these two, pictures that the page makes itself, and requests
 * to where it came from (Content-Security-Policy level 3, with hashes).
 */
function buildPage({ html, style, script }: PageSource): FunctionAnswer {
  const body = html
    .replace("<!-- style -->", () => `<style>${style}</style>`)
    .replace("<!-- script -->", () => `<script type="module">${script}</script>`);
  return {
    status: 200,
    headers: {
      "content-type": `${HTML_TYPE}; charset=utf-8`,
      "content-security-policy": [
        "default-src 'none'",
        `script-src ${hashOf(script)}`,
        `style-src ${hashOf(style)}`,
        "img-src blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
      vary: "accept",
    },
    body,
  };
}

let built: FunctionAnswer | undefined;

/** The page, put together when the first browser asks for it. */
export function page(): FunctionAnswer {
  built ??= buildPage(readPageSource());
  return built;
}
