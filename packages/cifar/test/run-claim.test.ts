import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { holdRunFolder } from "../src/training/run-claim.js";
import { makeNewFolder } from "../src/training/run-folder.js";
import { cifar, jsonLines, startCifar } from "./command.js";

let folder: string;
/** A small set of drawn pictures in CIFAR's binary format. */
let data: string;

beforeAll(async () => {
  data = join(await mkdtemp(join(tmpdir(), "cifar-claim-data-")), "data");
  await cifar(["data", "shapes", "--out", data, "--train", "140", "--test", "30", "--quiet"]);
});

afterAll(() => rm(join(data, ".."), { recursive: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cifar-claim-"));
});

afterEach(() => rm(folder, { recursive: true }));

const claims = async () => (await readdir(folder)).filter((name) => name.startsWith(".running-"));
const hold = () => holdRunFolder(folder, async () => "held");
const IN_USE = { code: "INVALID_ARGUMENT", message: expect.stringMatching(/a run is at work in it \(process \d+/) };

/** A process that lives until it is killed. */
async function livingProcess() {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await once(child, "spawn");
  return child;
}

describe("a run's folder", () => {
  it("is held by one process at a time and free again after it, however that ended", async () => {
    await holdRunFolder(folder, async () => {
      expect(await claims()).toHaveLength(1);
      await expect(hold()).rejects.toMatchObject(IN_USE);
      expect(await claims()).toHaveLength(1);
    });
    await expect(holdRunFolder(folder, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(await hold()).toBe("held");
    expect(await claims()).toEqual([]);
  });

  it("held by a living process is refused, naming it", async () => {
    const child = await livingProcess();
    try {
      const start = process.platform === "linux" ? await startOf(child.pid!) : "0";
      await writeFile(join(folder, `.running-${child.pid}-${start}-${encodeURIComponent(hostname())}`), "");
      await utimes(join(folder, (await claims())[0]!), new Date(0), new Date(0));
      if (start === "0") await writeFile(join(folder, "log.jsonl"), "");
      await expect(hold()).rejects.toMatchObject({ message: expect.stringContaining(`(process ${child.pid})`) });
      child.kill("SIGKILL");
      await once(child, "close");
      expect(await hold()).toBe("held");
      expect(await claims()).toEqual([]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it.runIf(process.platform === "linux")(
    "is not held by what has got the number of a dead process (skipped but on Linux)",
    async () => {
      for (const pid of [process.pid, 1]) {
        await writeFile(join(folder, `.running-${pid}-123-${encodeURIComponent(hostname())}`), "");
        expect(await hold()).toBe("held");
      }
    },
  );

  it("is held by a run on another machine while that writes into it, and not for ever", async () => {
    const claim = join(folder, ".running-7-123-another%2Fmachine");
    await writeFile(claim, "");
    const [old, justOld] = [new Date(Date.now() - 20 * 60_000), new Date(Date.now() - 2 * 60_000)];
    await utimes(claim, old, old);
    await writeFile(join(folder, "log.jsonl"), "");
    await utimes(join(folder, "log.jsonl"), justOld, justOld);
    const refusal = { message: expect.stringContaining("(process 7 on another/machine)") };
    await expect(hold()).rejects.toMatchObject(refusal);
    await utimes(join(folder, "log.jsonl"), old, old);
    expect(await hold()).toBe("held");
    expect(await claims()).toEqual([]);
  });
});

describe("two runs at the same moment", () => {
  it("into one folder are one run and one refusal", async () => {
    const words = ["train", "--data", data, "--epochs", "1", "--quiet", "--out", join(folder, "run")];
    const results = await Promise.all([cifar(words), cifar(words)]);
    expect(results.map(({ status }) => status).sort()).toEqual([0, 2]);
    for (const { status, stderr, stdout } of results) {
      if (status === 0) continue;
      expect(stderr).toMatch(/^cifar: \S+run(: a run is at work in it| {1,2}holds a run already).*\n$/);
      expect(stdout).toBe("");
    }
    const log = jsonLines(await readFile(join(folder, "run", "log.jsonl"), "utf8"));
    expect(log.filter(({ type }) => type === "start")).toHaveLength(1);
    expect((await readdir(join(folder, "run"))).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("that name no folder are two runs", async () => {
    const words = ["train", "--data", data, "--epochs", "1", "--quiet"];
    const results = await Promise.all([cifar(words, { cwd: folder }), cifar(words, { cwd: folder })]);
    expect(results.map(({ status, stderr }) => [status, stderr])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    expect(await readdir(join(folder, "runs"))).toHaveLength(2);
  });

  it("that would have the same name have one with a number", async () => {
    const name = join(folder, "runs", "paper-seed0-20260131-235959");
    const made = await Promise.all([makeNewFolder(name), makeNewFolder(name), makeNewFolder(name)]);
    expect(made.sort()).toEqual([name, `${name}-2`, `${name}-3`]);
    expect((await readdir(join(folder, "runs"))).sort()).toHaveLength(3);
  });
});

describe("a run that is at work", () => {
  it("is not taken up by another process, which leaves everything as it is", async () => {
    const run = join(folder, "run");
    const child = startCifar(["train", "--data", data, "--epochs", "300", "--json", "--out", run]);
    const closed = once(child, "close");
    try {
      child.stdout.resume();
      await once(child.stdout, "data");
      const { status, stderr, stdout } = await cifar(["train", "--resume", run]);
      expect(stderr).toBe(
        `cifar: ${run}: a run is at work in it (process ${child.pid}): wait for its end or stop it, or choose another folder\n`,
      );
      expect([status, stdout]).toEqual([2, ""]);
    } finally {
      child.kill("SIGKILL");
      await closed;
    }
    // Killed as it was, it stands in nobody's way. Asked once to stop: a second time would be at once.
    let asked = false;
    const again = await cifar(["train", "--resume", run, "--json"], {
      onLine: (line, kill) => {
        if (asked || !line.includes('"step"')) return;
        asked = true;
        kill("SIGINT");
      },
    });
    expect(again.status, again.stderr).toBe(130);
    expect((await readdir(run)).filter((name) => name.startsWith(".running"))).toEqual([]);
  });
});

/** As Linux tells it; see proc_pid_stat(5). */
async function startOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]!.split(" ")[19]!;
}
