import { createReferenceBackend } from "@cifar/tensor/reference";
import { expect, test } from "vitest";
import { type Ledger, timedBackend } from "../src/stopwatch.js";

test("a timed backend computes what the backend does, and says what took how long", () => {
  const ledger: Ledger = new Map();
  const backend = timedBackend(createReferenceBackend(), ledger);
  const first = backend.relu({ shape: [200_000] });
  backend.relu({ shape: [2] });
  const values = backend.tensor([200_000]);
  values.data.fill(-1).fill(1, 100_000);
  first.forward(values, values);
  expect(values.data.reduce((sum, value) => sum + value, 0)).toBe(100_000);
  expect([...ledger.keys()]).toEqual(["relu 1 forward", "relu 1 backward", "relu 2 forward", "relu 2 backward"]);
  expect(ledger.get("relu 1 forward")).toBeGreaterThan(0);
  expect(ledger.get("relu 2 forward")).toBe(0);
  expect(backend.name).toBe("reference");
});

test("shapes of operations can be asked for as ever", () => {
  const backend = timedBackend(createReferenceBackend(), new Map());
  expect(backend.maxPool2d({ input: [1, 4, 4, 2], size: 2 }).outputShape).toEqual([1, 2, 2, 2]);
});
