import v8 from "node:v8";
import fc from "fast-check";
import { describe, it } from "vitest";
import { fuzzRuns } from "../../../../fuzz-runs.ts";
import { enableRevectorization } from "../../src/node.js";
import { cases, expectIntact } from "../support/canaries.js";
import { guardedBackend } from "../support/guarded.js";

/*
 * A file of its own, since V8's flags hold for a whole process. Only optimised code is re-vectorised, so the first compiler is
 * switched off.
 */
const { enabled, reason } = enableRevectorization();
if (enabled) v8.setFlagsFromString("--no-liftoff");

describe.skipIf(!enabled)("every operation on backend wasm, re-vectorised to 256 bit", () => {
  it(`writes its results and nothing else${enabled ? "" : ` (skipped: ${reason})`}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: 3 }), (picked) =>
        expectIntact(() => guardedBackend({ vectors: 4 }), picked),
      ),
      fuzzRuns({ short: 20, full: 700 }),
    );
  });
});
