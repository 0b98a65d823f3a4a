import type { FunctionAnswer } from "./message.js";
import { type PageSource, readPageSource } from "./page-source.js";

export const HTML_TYPE = "text/html";

/** For a Content-Security-Policy; the module is loaded with the first page, so that a start does not pay for it. */
async function hashOf(text: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/**
 * Puts style and script into the page and allows exactly these two, pictures that the page makes itself, and requests
 * to where it came from (Content-Security-Policy level 3, with hashes).
 */
async function buildPage({ html, style, script }: PageSource): Promise<FunctionAnswer> {
  const body = html
    .replace("<!-- style -->", () => `<style>${style}</style>`)
    .replace("<!-- script -->", () => `<script type="module">${script}</script>`);
  return {
    status: 200,
    headers: {
      "content-type": `${HTML_TYPE}; charset=utf-8`,
      "content-security-policy": [
        "default-src 'none'",
        `script-src ${await hashOf(script)}`,
        `style-src ${await hashOf(style)}`,
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

let built: Promise<FunctionAnswer> | undefined;

/** The page, put together when the first browser asks for it. */
export function page(): Promise<FunctionAnswer> {
  built ??= buildPage(readPageSource());
  return built;
}
