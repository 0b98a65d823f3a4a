import { defineConfig, mergeConfig } from "vitest/config";
import base from "../vitest.base.ts";

// Nearly all that happens here happens in other processes, one after the other: two files at once keep two cores busy, and a
// busy machine gets the time that it needs.
export default mergeConfig(base, defineConfig({ test: { maxWorkers: 2, testTimeout: 180_000, hookTimeout: 180_000 } }));
