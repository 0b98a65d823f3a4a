import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { GarbageMeter } from "../src/garbage.ts";

it("large garbage is collected once there are 12 MB of it; small garbage is V8's business", async () => {
  let collections = 0;
  const meter = new GarbageMeter(async () => () => {
    collections++;
  });
  for (let request = 0; request < 1000; request++) {
    meter.add(100_000);
  }
  await turn();
  expect(collections).toBe(0);
  for (let request = 0; request < 20; request++) {
    meter.add(4_000_000);
    await meter.collected;
  }
  expect(collections).toBe(5);
});
