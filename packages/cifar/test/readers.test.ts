import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCheckpointFile } from "@cifar/cnn/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cifar, jsonLines, runTo, startCifar } from "./command.js";
import { pngOf } from "./pictures.js";

let folder: string;
let data: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-readers-"));
  data = join(folder, "data");
  await cifar(["data", "shapes", "--out", data, "--train", "140", "--test", "30", "--quiet"]);
});

afterAll(() => rm(folder, { recursive: true }));

/** A run that is told of by JSON on stdout and by lines on stderr. */
const train = (name: string, epochs = 6) => [
  ...["train", "--data", data, "--epochs", String(epochs), "--batch", "32", "--json", "--out", join(folder, name)],
];

/** What a process leaves: its status and all that came of one of its streams. */
async function ended(child: ChildProcessWithoutNullStreams, stream: "stdout" | "stderr") {
  let text = "";
  child[stream].setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const [status, signal] = await once(child, "close");
  return { status, signal, text };
}

describe("a run", () => {
  it("goes on to its end where nobody reads what it says on the way any more", async () => {
    const child = startCifar(train("stderr-gone", 2));
    child.stderr.once("data", () => child.stderr.destroy());
    const { status, text } = await ended(child, "stdout");
    expect(status).toBe(0);
    expect(jsonLines(text).at(-1)).toMatchObject({ type: "end" });
  });

  it("stops with a checkpoint where nobody reads its events any more", async () => {
    const child = startCifar(train("stdout-gone"));
    child.stdout.once("data", () => child.stdout.destroy());
    const { status, text } = await ended(child, "stderr");
    expect(status, text).toBe(130);
    expect(text).toContain("go on with: cifar train --resume");
    expect(text).not.toContain("EPIPE");
    const { step } = await readCheckpointFile(join(folder, "stdout-gone", "checkpoint.safetensors"));
    expect(step).toBeLessThan(24);
  });

  it("hung up on stops with a checkpoint, once for however many signals", async () => {
    const stopped = await cifar(train("hung-up"), {
      onLine: (line, kill) => {
        if (!/"step","step":[6-9],/.test(line)) return;
        kill("SIGHUP");
        // A shell, a terminal and npx may each pass one on, whenever they come to it.
        setTimeout(() => kill("SIGHUP"), 350);
      },
    });
    expect(stopped.status, stopped.stderr).toBe(130);
    const stop = jsonLines(stopped.stdout).at(-1);
    expect(stop).toMatchObject({ type: "stop" });
    const { step } = await readCheckpointFile(join(folder, "hung-up", "checkpoint.safetensors"));
    expect(step).toBe(stop?.["step"]);
  });

  it.skipIf(!existsSync("/dev/full"))(
    "goes on with a full disk under its stderr, and stops with a checkpoint and status 4 with one under its stdout " +
      "(skipped without /dev/full)",
    async () => {
      const full = openSync("/dev/full", "w");
      const deaf = await runTo(train("stderr-full", 1), { stderr: full });
      expect(deaf.status).toBe(0);
      expect(jsonLines(deaf.stdout).at(-1)).toMatchObject({ type: "end" });
      const mute = await runTo(train("stdout-full"), { stdout: full });
      expect(mute.stderr.trim().split("\n").at(-1)).toBe("cifar: standard output cannot be written: the disk is full");
      expect(mute.status).toBe(4);
      expect(existsSync(join(folder, "stdout-full", "checkpoint.safetensors"))).toBe(true);
    },
  );
});

describe("a command that only answers", () => {
  it("ends without a word where its reader has seen enough", async () => {
    const picture = join(folder, "grey.png");
    await writeFile(picture, pngOf({ width: 32, height: 32, data: new Uint8Array(3072).fill(90) }));
    const child = startCifar(["classify", picture]);
    child.stdout.destroy();
    const { status, text } = await ended(child, "stderr");
    expect(text).toBe("");
    expect(status).toBe(0);
  });

  it.skipIf(!existsSync("/dev/full"))(
    "says that its answer could not be written (skipped without /dev/full)",
    async () => {
      const { status, stderr } = await runTo(["info"], { stdout: openSync("/dev/full", "w") });
      expect(stderr).toBe("cifar: standard output cannot be written: the disk is full\n");
      expect(status).toBe(4);
    },
  );

  it.skipIf(!existsSync("/dev/full"))(
    "ends with its own status where nobody hears its error (skipped without /dev/full)",
    async () => {
      const { status } = await runTo(["classify", join(folder, "none.png")], { stderr: openSync("/dev/full", "w") });
      expect(status).toBe(3);
    },
  );
});
