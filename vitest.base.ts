import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** What the packages' test runs have in common. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: [fileURLToPath(new URL("vitest.build.ts", import.meta.url))],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "lcov"],
    },
  },
});
