import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createWasmBackend, wasmSupported } from "../src/index.js";
import { encodeModule, FunctionBuilder } from "../src/wasm/assembler.js";
import { createContext } from "../src/wasm/context.js";
import { WasmMemory } from "../src/wasm/memory.js";

const LIMITS = { shared: false, maximumPages: 1 };

function instantiate(f: FunctionBuilder, memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })) {
  const bytes = encodeModule(new Map([["run", f]]), LIMITS);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return { run: exports["run"] as (...values: number[]) => void, memory };
}

describe("the assembler", () => {
  it("writes the binary format of the specification", () => {
    const f = new FunctionBuilder(["i32"]);
    f.get(f.parameters[0]).i32(-1).memory("i32.store", 200);
    expect([...encodeModule(new Map([["a", f]]), LIMITS)]).toEqual(
      [
        [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        [0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
        [0x02, 0x10, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x01, 0x00, 0x01],
        [0x03, 0x02, 0x01, 0x00],
        [0x07, 0x05, 0x01, 0x01, 0x61, 0x00, 0x00],
        [0x0a, 0x0c, 0x01, 0x0a, 0x00, 0x20, 0x00, 0x41, 0x7f, 0x36, 0x02, 0xc8, 0x01, 0x0b],
      ].flat(),
    );
  });

  it("imports a memory as shared, with its upper limit, if it is", () => {
    const bytes = encodeModule(new Map([["a", new FunctionBuilder([])]]), { shared: true, maximumPages: 16_384 });
    const memory = [0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x03, 0x00, 0x80, 0x80, 0x01];
    expect([...bytes].join()).toContain(memory.join());
  });

  it.each([0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)])(
    "encodes the constant %i",
    (value) => {
      const f = new FunctionBuilder(["i32"]);
      f.get(f.parameters[0]).i32(value).memory("i32.store");
      const { run, memory } = instantiate(f);
      run(16);
      expect(new Int32Array(memory.buffer)[4]).toBe(value);
    },
  );

  it("writes offsets and indices as unsigned LEB128", () => {
    // The body is: no locals, i32.load, its alignment, the offset, end.
    const offsetBytes = (offset: number) => new FunctionBuilder([]).memory("i32.load", offset).encode().slice(3, -1);
    expect(offsetBytes(0)).toEqual([0x00]);
    expect(offsetBytes(127)).toEqual([0x7f]);
    expect(offsetBytes(128)).toEqual([0x80, 0x01]);
    expect(offsetBytes(16_383)).toEqual([0xff, 0x7f]);
    expect(offsetBytes(16_384)).toEqual([0x80, 0x80, 0x01]);
    expect(offsetBytes(2 ** 32 - 1)).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f]);
    const f = new FunctionBuilder([]);
    expect(f.get(f.locals("v128", 200)[199]!).encode()).toEqual([0x01, 0xc8, 0x01, 0x7b, 0x20, 0xc7, 0x01, 0x0b]);
  });

  it("writes what it is told: engines accept balanced bodies and refuse unbalanced and mistyped ones", () => {
    const balanced = new FunctionBuilder(["i32", "f32"]);
    balanced.get(balanced.parameters[0]).get(balanced.parameters[1]).op("f32x4.splat").memory("v128.store");
    const unbalanced = new FunctionBuilder(["i32"]);
    unbalanced.get(unbalanced.parameters[0]);
    const mistyped = new FunctionBuilder(["i32"]);
    mistyped.get(mistyped.parameters[0]).f32(1.5).memory("i32.store");
    const valid = (f: FunctionBuilder, shared: boolean) =>
      WebAssembly.validate(encodeModule(new Map([["f", f]]), { shared, maximumPages: 16_384 }));
    for (const shared of [false, true]) {
      expect(valid(balanced, shared)).toBe(true);
      expect(valid(unbalanced, shared)).toBe(false);
      expect(valid(mistyped, shared)).toBe(false);
    }
  });

  it("fills and copies memory", () => {
    const f = new FunctionBuilder(["i32", "i32"]);
    const [from, to] = f.parameters;
    f.get(from).i32(7).i32(5).memoryFill();
    f.get(to).get(from).i32(6).memoryCopy();
    const { run, memory } = instantiate(f);
    run(8, 100);
    expect([...new Uint8Array(memory.buffer, 7, 7)]).toEqual([0, 7, 7, 7, 7, 7, 0]);
    expect([...new Uint8Array(memory.buffer, 99, 8)]).toEqual([0, 7, 7, 7, 7, 7, 0, 0]);
  });

  it("repeats a body as often as it is told, once without a loop", () => {
    for (const times of [1, 2, 300]) {
      const f = new FunctionBuilder(["i32"]);
      const [address] = f.parameters;
      const [counter, sum] = f.locals("i32", 2);
      f.repeat(counter, times, () => f.increment(sum, 3));
      f.get(address).get(sum).memory("i32.store");
      const { run, memory } = instantiate(f);
      run(0);
      expect(new Int32Array(memory.buffer)[0]).toBe(3 * times);
    }
  });

  it("shuffles and stores lanes", () => {
    const f = new FunctionBuilder(["i32"]);
    const [address] = f.parameters;
    f.get(address).i32x4(1, 2, 3, 4).i32x4(5, 6, 7, 8).shuffle32(7, 0, 5, 2).memory("v128.store");
    f.get(address).f32x4(2.5).storeLane(3, 16);
    const { run, memory } = instantiate(f);
    run(0);
    expect([...new Int32Array(memory.buffer, 0, 4)]).toEqual([8, 1, 6, 3]);
    expect(new Float32Array(memory.buffer)[4]).toBe(2.5);
  });
});

describe("kernels", () => {
  it("are emitted once for a key", () => {
    let emitted = 0;
    const build = () => {
      emitted++;
      return new Map([["run", new FunctionBuilder([])]]);
    };
    for (let backend = 0; backend < 2; backend++) {
      const context = createContext(new WasmMemory(), 2);
      context.instantiate("test of the cache", build);
      context.instantiate("test of the cache", build);
    }
    expect(emitted).toBe(1);
  });

  it("say what runs", () => {
    expect(wasmSupported()).toBe(true);
    expect(createWasmBackend({ vectors: 2 }).description).toBe("wasm (SIMD, 128 bit)");
  });
});

describe("re-vectorisation", () => {
  const able = Number.parseInt(process.versions.v8, 10) >= 12 && process.arch === "x64";
  const UNABLE = `V8 ${process.versions.v8} on ${process.arch} cannot re-vectorise`;
  const program = `
    import { enableRevectorization } from "./dist/node.js";
    console.log(JSON.stringify(enableRevectorization()));`;
  const run = (environment: Record<string, string>) =>
    JSON.parse(
      execFileSync(process.execPath, ["--input-type=module", "-e", program], {
        cwd: new URL("..", import.meta.url),
        env: { ...process.env, ...environment },
        encoding: "utf8",
      }),
    ) as { enabled: boolean; reason: string };

  it("is switched off by CIFAR_REVECTORIZE=0", () => {
    expect(run({ CIFAR_REVECTORIZE: "0" })).toEqual({ enabled: false, reason: "switched off by CIFAR_REVECTORIZE=0" });
  });

  it("changes no bit of what convolutions and products give", (context) => {
    if (!able) context.skip(UNABLE);
    const digest = (environment: Record<string, string>) => {
      const script = new URL("support/digest.mjs", import.meta.url).pathname;
      const output = execFileSync(process.execPath, [script], {
        env: { ...process.env, ...environment },
        encoding: "utf8",
      });
      return JSON.parse(output) as { vectors: number; digest: string };
    };
    const narrow = digest({ CIFAR_REVECTORIZE: "0" });
    const wide = digest({ CIFAR_REVECTORIZE: "" });
    expect([narrow.vectors, wide.vectors]).toEqual([2, 4]);
    expect(wide.digest).toBe(narrow.digest);
  });

  /** What the self-check of a program of its own does and decides; `spoil` gives wrong results once the flag is set. */
  const watch = (spoil: boolean, inSteps = false) => {
    const script = new URL("support/self-check.mjs", import.meta.url).pathname;
    const words = ["--allow-natives-syntax", script, String(spoil), String(inSteps)];
    const output = execFileSync(process.execPath, words, {
      env: { ...process.env, CIFAR_REVECTORIZE: "" },
      encoding: "utf8",
    });
    return JSON.parse(output) as {
      enabled: boolean;
      reason: string;
      flags: string[];
      optimised: number;
      others: string[];
      breaths: number;
    };
  };

  it("is checked in steps where a program has others to answer, with the same outcome", (context) => {
    if (!able) context.skip(UNABLE);
    const { breaths, ...stepwise } = watch(false, true);
    expect({ ...stepwise, breaths: 0 }).toEqual(watch(false));
    expect(breaths).toBeGreaterThan(10);
    expect(watch(true, true).reason).toMatch(/other results/);
  });

  it("is checked on optimised code, the only code that V8 re-vectorises", (context) => {
    if (!able) context.skip(UNABLE);
    const { enabled, optimised, others, flags } = watch(false);
    expect(enabled).toBe(true);
    expect(others).toEqual([]);
    expect(optimised).toBeGreaterThan(20);
    // Off again after each check, so that what else is compiled meanwhile is not in advance; on for good at the end.
    const check = [
      "--experimental-wasm-revectorize",
      "--no-liftoff",
      "--liftoff",
      "--no-experimental-wasm-revectorize",
    ];
    const checks = (flags.length - 1) / check.length;
    expect(flags).toEqual([...new Array(checks).fill(check).flat(), "--experimental-wasm-revectorize"]);
  });

  it("is switched off again, with the reason, if the check finds other results", (context) => {
    if (!able) context.skip(UNABLE);
    const { enabled, reason, flags } = watch(true);
    expect(enabled).toBe(false);
    expect(reason).toMatch(/other results/);
    expect(flags.slice(-2)).toEqual(["--liftoff", "--no-experimental-wasm-revectorize"]);
  });

  it("is on where V8 can, its results checked, and says why it is not elsewhere", () => {
    const { enabled, reason } = run({ CIFAR_REVECTORIZE: "" });
    expect(enabled).toBe(able);
    expect(reason).toMatch(able ? /same bits/ : /cannot|only on x64/);
  });
});

it("runs in browsers: nothing that the main entry imports asks for node:", () => {
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    // Static and dynamic imports, with or without names, and what is exported from elsewhere.
    const imports = /\b(?:from|import)\s*\(?\s*"([^"]+)"/g;
    for (const [, specifier] of readFileSync(file, "utf8").matchAll(imports)) {
      expect(specifier, `${file} imports it`).toMatch(/^\./);
      visit(resolve(dirname(file), specifier!.replace(/\.js$/, ".ts")));
    }
  };
  visit(new URL("../src/index.ts", import.meta.url).pathname);
  expect(seen.size).toBeGreaterThan(20);
});
