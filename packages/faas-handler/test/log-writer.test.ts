import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { LineWriter } from "../src/log-writer.ts";
import { parseTraceparent } from "../src/trace.ts";
import { planes, startFunction } from "./support/function.ts";

/** A stream whose reader can stop. */
class SlowTarget {
  writableLength = 0;
  destroyed = false;
  stopped = false;
  text = "";
  readonly #drained: (() => void)[] = [];

  write(text: string): boolean {
    if (this.stopped) {
      this.writableLength += text.length;
    } else {
      this.text += text;
    }
    return !this.stopped;
  }

  on(event: "error" | "drain", listener: () => void): void {
    if (event === "drain") {
      this.#drained.push(listener);
    }
  }

  goOn(): void {
    this.stopped = false;
    this.writableLength = 0;
    for (const listener of this.#drained) {
      listener();
    }
  }
}

describe("LineWriter", () => {
  it("keeps no more than a mebibyte for a reader that has stopped, and says how many lines it dropped", async () => {
    const target = new SlowTarget();
    const writer = new LineWriter(() => target);
    target.stopped = true;
    for (let index = 0; index < 4000; index++) {
      writer.write(`${"x".repeat(1000)}\n`);
      await turn();
    }
    expect(target.writableLength).toBeGreaterThan(2 ** 20);
    expect(target.writableLength).toBeLessThan(2 ** 20 + 2000);
    target.goOn();
    const [first, ...rest] = target.text.trimEnd().split("\n");
    expect(JSON.parse(first!)).toMatchObject({ level: "warn", message: "lines of the log were dropped", count: 2952 });
    expect(rest).toEqual([]);
    writer.write("after\n");
    await turn();
    expect(target.text.endsWith("}\nafter\n")).toBe(true);
  });

  it("drops what comes after its reader is gone", async () => {
    const target = new SlowTarget();
    target.destroyed = true;
    const writer = new LineWriter(() => target);
    writer.write("lost\n");
    await turn();
    expect(target.text).toBe("");
  });
});

const PROGRAM = fileURLToPath(new URL("../dist/main.js", import.meta.url));

describe.skipIf(process.platform !== "linux")("the program (on Linux)", () => {
  async function run(redirection: string): Promise<string> {
    const script = `"${process.execPath}" --input-type=module -e '
      const { writeLine } = await import("${new URL("../dist/log-writer.js", import.meta.url)}");
      for (let index = 0; index < 20; index++) {
        writeLine("x".repeat(100) + "\\n");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      process.stderr.write("still here");
    ' ${redirection}`;
    return execFileSync("bash", ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  it("outlives a full disk behind its standard output", async () => {
    expect(await run("2>&1 >/dev/full")).toBe("still here");
  });

  it("outlives the reader of its standard output", async () => {
    expect(await run("2>&1 > >(exec 0<&- true)")).toBe("still here");
  });

  it("goes on draining whatever further signals come", async () => {
    const { makeFunctionFolder } = await import("./support/model-file.ts");
    const { Sequential, conv2d, flatten, linear } = await import("@cifar/cnn");
    const folder = makeFunctionFolder(
      new Sequential({
        input: [32, 32, 3],
        layers: [conv2d({ filters: 2, kernel: 3, stride: 4 }), flatten(), linear({ outputs: 10 })],
      }).initialise({ method: "pytorch", seed: 1 }),
    );
    const child = spawn(process.execPath, [PROGRAM], {
      env: { model_path: folder.modelPath, http_port: "0", healthcheck_interval: "600ms" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let log = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    while (!log.includes('"ready"')) {
      await sleep(10);
    }
    const { port } = log
      .split("\n")
      .filter((line) => line.includes('"listening"'))
      .map((line) => JSON.parse(line))[0];
    child.kill("SIGTERM");
    await sleep(100);
    child.kill("SIGTERM");
    child.kill("SIGINT");
    await sleep(100);
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: planes(1) });
    expect(answer.status).toBe(200);
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
    expect(log).toContain('"ended"');
    folder.remove();
  });
});

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("traceparent", () => {
  it.each([
    { header: `00-${TRACE}-${SPAN}-01`, expected: { traceId: TRACE, spanId: SPAN } },
    { header: `cc-${TRACE}-${SPAN}-01-what-will-be`, expected: { traceId: TRACE, spanId: SPAN } },
    { header: `00-${TRACE}-${SPAN}-01-what-will-be`, expected: undefined },
    { header: `ff-${TRACE}-${SPAN}-01`, expected: undefined },
    { header: `00-${"0".repeat(32)}-${SPAN}-01`, expected: undefined },
    { header: `00-${TRACE}-${"0".repeat(16)}-01`, expected: undefined },
    { header: `00-${TRACE.toUpperCase()}-${SPAN}-01`, expected: undefined },
    { header: "", expected: undefined },
    { header: undefined, expected: undefined },
  ])("$header", ({ header, expected }) => {
    expect(parseTraceparent(header)).toEqual(expected);
  });

  it("is in the log beside the call id", async () => {
    const one = await startFunction();
    await fetch(one.url, { headers: { traceparent: `00-${TRACE}-${SPAN}-01`, "x-call-id": "7f3c" } });
    await one.stop();
    expect(one.lines.at(-1)).toMatchObject({ callId: "7f3c", traceId: TRACE, spanId: SPAN });
  });
});
