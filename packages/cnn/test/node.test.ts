import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { weightsDigest } from "../src/digest.js";
import { readCheckpointFile, readModelFile, writeFileAtomic, writeModelFile } from "../src/node.js";
import { availableThreads } from "../src/platform/node.js";
import { TOY_NORMALISATION, toyNetwork } from "./support/toys.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cnn-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("files on disk", () => {
  it("come back as they were written", async () => {
    const path = join(folder, "model.safetensors");
    const model = toyNetwork({ seed: 2 });
    const card = { classes: ["a", "b", "c"], normalisation: TOY_NORMALISATION };
    await writeModelFile(path, model, card);
    const loaded = await readModelFile(path);
    expect(loaded.card).toEqual(card);
    expect(loaded.digest).toBe(weightsDigest(model));
  });

  it("are named in the error when they are not what they should be", async () => {
    const path = join(folder, "cut.safetensors");
    await writeFile(path, "cut");
    await expect(readModelFile(path)).rejects.toMatchObject({
      code: "INVALID_FILE",
      message: new RegExp(`^${path}: `),
    });
    await expect(readCheckpointFile(path)).rejects.toMatchObject({ code: "INVALID_FILE", message: /cut\.safetensors/ });
    await expect(readModelFile(join(folder, "absent"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("are replaced whole, and nothing is left beside them", async () => {
    const path = join(folder, "file");
    await writeFileAtomic(path, "old");
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("stay as they were when writing fails, and nothing is left beside them", async () => {
    // A folder in the file's place is the failure that even root meets: the rename comes too late.
    const path = join(folder, "taken");
    await mkdir(join(path, "inner"), { recursive: true });
    await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({
      code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/),
    });
    expect(await readdir(folder)).toEqual(["taken"]);
    await expect(writeFileAtomic(join(folder, "absent", "file"), "new")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.skipIf(process.getuid?.() === 0)(
    "are not written into a folder without permission (skipped for root)",
    async () => {
      await chmod(folder, 0o500);
      await expect(writeFileAtomic(join(folder, "file"), "new")).rejects.toMatchObject({ code: "EACCES" });
      await chmod(folder, 0o700);
    },
  );
});

describe("availableThreads", () => {
  /** A folder like /sys/fs/cgroup, and a file like /proc/self/cgroup. */
  async function control(files: Record<string, string>, self = "0::/\n") {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(folder, "cgroup", path, ".."), { recursive: true });
      await writeFile(join(folder, "cgroup", path), text);
    }
    await writeFile(join(folder, "self"), self);
    return { root: join(folder, "cgroup"), self: join(folder, "self") };
  }
  const cores = availableParallelism();

  it("are the cores that the process may run on where nothing limits its time", async () => {
    expect(availableThreads(await control({}))).toBe(cores);
    expect(availableThreads(await control({ "cpu.max": "max 100000\n" }))).toBe(cores);
    expect(availableThreads({ root: "/does/not/exist", self: "/does/not/exist" })).toBe(cores);
  });

  it("are as many as the container's share of time, at least 1", async () => {
    expect(availableThreads(await control({ "cpu.max": "100000 100000\n" }))).toBe(1);
    expect(availableThreads(await control({ "cpu.max": "50000 100000\n" }))).toBe(1);
    expect(availableThreads(await control({ "cpu.max": `${100000 * cores + 50000} 100000\n` }))).toBe(cores);
  });

  it("heed the limit of every group around the process", async () => {
    const files = { "system.slice/cpu.max": "100000 100000\n", "system.slice/a.service/cpu.max": "max 100000\n" };
    expect(availableThreads(await control(files, "0::/system.slice/a.service\n"))).toBe(1);
    expect(availableThreads(await control(files, "0::/user.slice\n"))).toBe(cores);
  });

  it("heed version 1 of control groups", async () => {
    const files = { "cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n" };
    expect(availableThreads(await control(files, "4:cpu,cpuacct:/\n"))).toBe(1);
    expect(availableThreads(await control({ ...files, "cpu/cpu.cfs_quota_us": "-1\n" }, "4:cpu,cpuacct:/\n"))).toBe(
      cores,
    );
    const nested = { "cpu/docker/x/cpu.cfs_quota_us": "50000\n", "cpu/docker/x/cpu.cfs_period_us": "100000\n" };
    expect(
      availableThreads(await control({ ...files, "cpu/cpu.cfs_quota_us": "-1\n", ...nested }, "4:cpu:/docker/x\n")),
    ).toBe(1);
  });
});
