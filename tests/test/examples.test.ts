import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { decodePicture, pretrained, toInput } from "@cifar/cifar";
import { createPredictor, encodeSafetensors, toPyTorch } from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import type { FunctionContext, Handler } from "@cifar/faas-handler";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drawnPngs } from "./support/pictures.ts";
import { pythonWithTorch, WITHOUT_TORCH } from "./support/python.ts";
import { bareEnvironment, ROOT, run } from "./support/run.ts";
import { openWorkFolder, type WorkFolder } from "./support/work-folder.ts";

const EXAMPLES = join(ROOT, "examples");

let folder: WorkFolder;
beforeEach(async () => {
  folder = await openWorkFolder();
});
afterEach(() => folder.remove());

const node = (file: string, ...words: string[]) =>
  run(process.execPath, [join(EXAMPLES, file), ...words], { cwd: folder.path });

/** What the weights that come with the package say to a picture. */
async function expectedLabel(png: Uint8Array): Promise<string | undefined> {
  const { model, card } = await pretrained();
  const predictor = await createPredictor(model, { ...card, threads: 1 });
  const [answer] = await predictor.classify(toInput(decodePicture(png), 32));
  predictor.close();
  return answer?.label;
}

describe("examples", () => {
  it("train-and-classify.js learns, and classifies with the file that it has written", async () => {
    const file = join(folder.path, "model.safetensors");
    const { status, stdout, stderr } = await node("train-and-classify.js", file);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout.match(/^a \w+ looks like a \w+ \(\d+ %\)$/gm)).toHaveLength(5);
    const { card } = await readModelFile(file);
    // Ten classes: an untrained network is right once in ten.
    expect(card.accuracy?.["accuracy"]).toBeGreaterThan(0.2);
  });

  it("own-architecture.js tells of its layers and learns", async () => {
    const { status, stdout, stderr } = await node("own-architecture.js");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/total +39,338/);
    const losses = [...stdout.matchAll(/loss ([\d.]+)/g)].map(([, loss]) => Number(loss));
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.3);
  });

  it("http-server.js classifies what is posted, and refuses what is no picture", async () => {
    const child = spawn(process.execPath, [join(EXAMPLES, "http-server.js")], {
      env: bareEnvironment({ PORT: "0" }),
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const url = line.toString().trim();
      const [png] = drawnPngs(1);
      const answer = (await (await fetch(url, { method: "POST", body: Buffer.from(png!) })).json()) as object;
      expect(answer).toMatchObject({ label: await expectedLabel(png!) });
      const refusal = await fetch(url, { method: "POST", body: "no picture" });
      expect(refusal.status).toBe(422);
      expect(await refusal.json()).toMatchObject({ error: expect.stringContaining("expected a PNG or JPEG picture") });
      const tooLarge = await fetch(url, { method: "POST", body: Buffer.alloc(2 ** 21 + 1) });
      expect(tooLarge.status).toBe(413);
      expect(await tooLarge.json()).toEqual({ error: "body too large: at most 2097152 bytes" });
    } finally {
      child.kill();
      await once(child, "exit");
    }
  });

  it("pytorch/import.js takes weights over, and a file of other shapes not", async () => {
    const { Sequential, conv2d, flatten, linear, maxPool2d, relu } = await import("@cifar/cnn");
    const layers = [conv2d({ filters: 8, kernel: 3, padding: 1 }), relu(), maxPool2d({ size: 4 }), flatten()];
    const save = (outputs: number) => {
      const model = new Sequential({ input: [32, 32, 3], layers: [...layers, linear({ outputs })] });
      const tensors = toPyTorch(model.initialise({ method: "pytorch", seed: 1 }));
      return writeFile(join(folder.path, "weights.safetensors"), encodeSafetensors(tensors));
    };
    expect(await node("pytorch/import.js")).toEqual({
      status: 1,
      stdout: "",
      stderr: "weights.safetensors is not in this folder: export.py writes it\n",
    });
    await save(3);
    const { stdout, status } = await node("pytorch/import.js");
    expect(status).toBe(0);
    const probabilities = JSON.parse(stdout) as number[];
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    await save(4);
    expect((await node("pytorch/import.js")).stderr).toContain("the network expects [3, 512]");
  });

  it.skipIf(!pythonWithTorch)(`pytorch/import.js says what PyTorch says${WITHOUT_TORCH}`, async () => {
    const { python, env } = pythonWithTorch!;
    const exported = await run(python, [join(EXAMPLES, "pytorch", "export.py")], { cwd: folder.path, env });
    expect(exported.status, exported.stderr).toBe(0);
    const imported = await node("pytorch/import.js");
    expect(imported.status, imported.stderr).toBe(0);
    const [theirs, ours] = [exported, imported].map(({ stdout }) => JSON.parse(stdout) as number[]);
    expect(ours).toHaveLength(3);
    for (const [index, value] of ours!.entries()) expect(value).toBeCloseTo(theirs![index]!, 5);
  });

  it("openfaas-node/handler.js answers as OpenFaaS's own template calls it", async () => {
    // The template requires the handler as CommonJS, and with RAW_BODY=true hands it bytes.
    await cp(join(EXAMPLES, "openfaas-node"), join(folder.path, "function"), { recursive: true });
    process.env["model_path"] = join(ROOT, "packages", "cifar", "models", "cifar10.safetensors");
    process.env["log_level"] = "error";
    const handler = createRequire(import.meta.url)(join(folder.path, "function", "handler.js")) as Handler;
    const call = async (event: Partial<Parameters<Handler>[0]>) => {
      let [code, value]: [number, unknown] = [200, undefined];
      const context: FunctionContext = {
        status: (given) => {
          code = given;
          return context;
        },
        headers: () => context,
        succeed: (given) => {
          value = given;
        },
      };
      await handler({ body: Buffer.alloc(0), headers: {}, method: "POST", query: {}, path: "/", ...event }, context);
      return { code, answer: JSON.parse(String(value)) as object };
    };
    const [png] = drawnPngs(1);
    const answer = await call({ body: Buffer.from(png!), headers: { "content-type": "image/png" } });
    expect(answer).toMatchObject({ code: 200, answer: { label: await expectedLabel(png!) } });
    expect(await call({ path: "/nowhere" })).toMatchObject({ code: 404 });
  });
});
