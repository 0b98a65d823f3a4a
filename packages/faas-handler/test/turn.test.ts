import { describe, expect, it } from "vitest";
import { turn } from "../src/turn.ts";

function busy(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

describe("turn", () => {
  it("lets others in between pieces of work that come together and take long", async () => {
    const seen: string[] = [];
    const work = async (name: string): Promise<void> => {
      await turn();
      seen.push(name);
      busy(10);
    };
    // As requests do whose sockets have become readable at the same moment.
    const all = Promise.all(
      ["a", "b", "c"].map((name) => new Promise<void>((resolve) => setTimeout(() => void work(name).then(resolve), 1))),
    );
    busy(5);
    let done = false;
    const other = (): void => {
      seen.push(".");
      if (!done) {
        setImmediate(other);
      }
    };
    setImmediate(other);
    await all;
    done = true;
    expect(seen.join("")).toMatch(/a\.+b\.+c/);
  });

  it("lets short pieces of work pass together", async () => {
    const seen: string[] = [];
    // What the test before this one has begun is over.
    await new Promise((resolve) => setTimeout(resolve, 5));
    setImmediate(() => seen.push("next turn"));
    await Promise.all(Array.from({ length: 20 }, () => turn()));
    expect(seen).toEqual([]);
  });
});
