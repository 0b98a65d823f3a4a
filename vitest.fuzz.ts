import { defineConfig } from "vitest/config";
import base from "./vitest.base.ts";

/** `npm run fuzz`: the suites in test/fuzz with all their cases, where `npm test` takes a seeded few of them. */
export default defineConfig({
  test: {
    include: ["test/fuzz/**/*.test.ts"],
    globalSetup: base.test!.globalSetup!,
    passWithNoTests: true,
    env: { FUZZ: "full" },
    reporters: ["verbose"],
    testTimeout: 60 * 60_000,
  },
});
