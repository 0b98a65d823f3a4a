import fc from "fast-check";
import { describe, it } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { cases, expectIntact, guardedBackends } from "../support/canaries.js";

describe.each(guardedBackends)("every operation on backend wasm with $name", ({ create }) => {
  it("writes its results and nothing else, whatever lies beside them and in the scratch space", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: 3 }), (picked) => expectIntact(create, picked)),
      fuzzRuns({ short: 20, full: 700 }),
    );
  });
});
