import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Turns } from "../src/decoding/turns.ts";

describe("pictures that are decoded one after the other on the event loop's thread", () => {
  it("share a turn for eight milliseconds; who comes then waits for another, each for its own where they are slow", async () => {
    let now = 0;
    const turns = new Turns(() => now);
    const done: number[] = [];
    const picture = (number: number, milliseconds: number) =>
      turns.run(() => {
        done.push(number);
        now += milliseconds;
      });
    const all = [picture(1, 4), picture(2, 4), picture(3, 1), picture(4, 40), picture(5, 40), picture(6, 1)];
    // The first three have taken nine milliseconds when the fourth comes.
    expect(done).toEqual([1, 2, 3]);
    await turn();
    expect(done).toEqual([1, 2, 3, 4]);
    await turn();
    expect(done).toEqual([1, 2, 3, 4, 5]);
    await turn();
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
    await Promise.all(all);
  });

  it("hand on what one of them throws", async () => {
    const failed = new Turns().run(() => {
      throw new Error("no picture");
    });
    await expect(failed).rejects.toThrow("no picture");
  });
});
