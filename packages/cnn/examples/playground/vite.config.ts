import { defineConfig, type Plugin } from "vite";

/** What the page may do: run its own scripts and nothing else. No address is ever asked, its own included. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/**
 * The same for its workers, to which the header of their own script applies: they emit WebAssembly, and gpu.js makes
 * functions of text where it has to compute in software.
 */
const WORKER_POLICY = PAGE_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'");

/** Threads share memory only in a page that is isolated from others. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Writes the policy into the built page, so that it holds wherever the files are served from. */
function policyInPage(): Plugin {
  return {
    name: "content-security-policy",
    apply: "build",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: PAGE_POLICY },
        injectTo: "head-prepend",
      },
    ],
  };
}

export default defineConfig({
  // Relative addresses, so that the files work below any path.
  base: "./",
  plugins: [policyInPage()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    // The polyfill would fetch, which the policy forbids, and every browser with WebAssembly SIMD does without it.
    modulePreload: { polyfill: false },
    // Data addresses would need a wider policy.
    assetsInlineLimit: 0,
    // gpu.js is 640 kB and comes when asked for.
    chunkSizeWarningLimit: 700,
  },
  server: { headers: ISOLATION },
  preview: { headers: { ...ISOLATION, "Content-Security-Policy": WORKER_POLICY } },
  // A CommonJS package that is imported on demand: known beforehand, so that the first use does not reload the page.
  optimizeDeps: { include: ["gpu.js", "uplot"] },
});
