import { afterEach, describe, expect, it, vi } from "vitest";
import { listenForInterrupt } from "../src/cli/interrupt.js";
import { Output } from "../src/cli/output.js";

describe("Ctrl-C", () => {
  afterEach(() => vi.restoreAllMocks());

  it("first asks the work to stop; a second one ends the process, unless it is an echo of the first", () => {
    let now = 1000;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
    const interrupt = listenForInterrupt(new Output({ quiet: true }), "stopping");
    try {
      process.emit("SIGINT");
      expect(interrupt.signal.aborted).toBe(true);
      now += 50;
      process.emit("SIGINT");
      expect(exit).not.toHaveBeenCalled();
      now += 1000;
      process.emit("SIGTERM");
      expect(exit).toHaveBeenCalledWith(130);
    } finally {
      interrupt.release();
    }
    expect(process.listenerCount("SIGINT")).toBe(0);
  });
});
