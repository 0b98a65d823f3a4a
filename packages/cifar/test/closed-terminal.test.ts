import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCheckpointFile } from "@cifar/cnn/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cifar } from "./command.js";
import { hasTerminals, onTerminal, screenOf } from "./terminal.js";

let folder: string;
let data: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar terminal's-"));
  data = join(folder, "data");
  await cifar(["data", "shapes", "--out", data, "--train", "140", "--test", "30", "--quiet"]);
});

afterAll(() => rm(folder, { recursive: true }));

const train = (name: string, epochs: number) => [
  ...["train", "--data", data, "--epochs", String(epochs), "--batch", "32", "--out", join(folder, name)],
];

describe.skipIf(!hasTerminals())("a run on a terminal (skipped without python3 and pseudo-terminals)", () => {
  it("stops with a checkpoint when the terminal is closed", async () => {
    const { status } = await onTerminal(train("closed", 200), {
      onOutput: (written, terminal) => {
        if (written.includes("epoch 2/200")) terminal.hangUp();
      },
    });
    expect(status).toBe(130);
    const { step } = await readCheckpointFile(join(folder, "closed", "checkpoint.safetensors"));
    expect(step).toBeLessThan(800);
  });

  it("is stopped by Ctrl-C, and says in words that a shell understands how to go on", async () => {
    let typed = false;
    const { status, written } = await onTerminal(train("typed", 200), {
      columns: 200,
      onOutput: (text, terminal) => {
        if (typed || !text.includes("epoch 2/200")) return;
        typed = true;
        terminal.type("\x03");
      },
    });
    expect(status).toBe(130);
    const lines = await screenOf(written, 200);
    expect(lines.slice(-2)).toEqual([
      "stopping after this step, with a checkpoint (once more: at once)",
      `stopped; go on with: cifar train --resume '${join(folder, "typed").replace("'", "'\\''")}'`,
    ]);
  });

  it("writes no escape sequence to a dumb one, whatever is said of colours", async () => {
    const { status, written } = await onTerminal(train("dumb", 1), { env: { TERM: "dumb", FORCE_COLOR: "3" } });
    expect(status).toBe(0);
    expect(written).not.toContain("\x1b");
  });

  it("knows no colours, wanted or not", async () => {
    const { written } = await onTerminal(["train", "--epoch"], { env: { FORCE_COLOR: "3" } });
    expect(written).toContain("cifar: unknown option");
    expect(written).not.toContain("\x1b");
  });
});
