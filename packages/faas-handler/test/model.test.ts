import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION, decodePicture, toInput } from "@cifar/cifar";
import { cifarCnn, conv2d, createPredictor, flatten, linear, relu, Sequential } from "@cifar/cnn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";
import { createServer } from "../src/create.ts";
import { SILENT } from "../src/log.ts";
import type { FunctionServer } from "../src/server.ts";
import { VERSION } from "../src/version.ts";
import { problemOf } from "./support/function.ts";
import { type FunctionFolder, MADE_UP_RECORD, makeFunctionFolder } from "./support/model-file.ts";
import { encodePng, noise } from "./support/png.ts";

interface Served {
  readonly url: string;
  readonly server: FunctionServer;
  readonly folder: FunctionFolder;
}

async function serve(folder: FunctionFolder, environment: Record<string, string> = {}): Promise<Served> {
  const server = createServer({ config: readConfig({ model_path: folder.modelPath, ...environment }), logger: SILENT });
  const port = await server.listen(0, "127.0.0.1");
  await server.loaded;
  return { url: `http://127.0.0.1:${port}`, server, folder };
}

async function end({ server, folder }: Served): Promise<void> {
  await server.stop(0);
  folder.remove();
}

describe("with the network of CIFAR-10", () => {
  const model = cifarCnn({ seed: 3 });
  let served: Served;

  beforeAll(async () => {
    served = await serve(makeFunctionFolder(model, MADE_UP_RECORD));
  });
  afterAll(() => end(served));

  it("tells what the model file says of itself", async () => {
    const card = await (await fetch(served.url)).json();
    expect(Object.keys(card)[0]).toBe("accuracy");
    expect(card).toMatchObject({
      accuracy: 0.7222,
      measuredOn: "10000 pictures of CIFAR-10 test",
      epochs: 3,
      recipe: "paper",
      seed: 7,
      classes: [...CIFAR10_CLASSES],
      input: [32, 32, 3],
      parameters: 143_018,
      version: VERSION,
      curve: [
        { epoch: 1, accuracy: 0.55, loss: 1.5 },
        { epoch: 2, accuracy: 0.66 },
        { epoch: 3, accuracy: 0.72 },
      ],
    });
    expect(card.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(card.confusion[3][3]).toBe(700);
  });

  it("answers what the network computes, whichever way a picture comes and whatever it is batched with", async () => {
    const files = Array.from({ length: 6 }, (_, seed) =>
      encodePng({ width: 40 + seed, height: 40, pixels: noise(40 + seed, 40, seed) }),
    );
    const inputs = files.map((file) => toInput(decodePicture(file), 32));
    const predictor = await createPredictor(model, {
      normalisation: CIFAR10_NORMALISATION,
      classes: CIFAR10_CLASSES,
      threads: 1,
    });
    const expected = await Promise.all(inputs.map(async (input) => (await predictor.classify(input))[0]!));
    predictor.close();
    const headers = { "content-type": "image/png" };
    const answers = await Promise.all(
      files.map(async (body) => (await fetch(served.url, { method: "POST", body, headers })).json()),
    );
    const form = new FormData();
    for (const file of files) {
      form.append("image", new Blob([file]), "x.png");
    }
    const together = await (await fetch(served.url, { method: "POST", body: form })).json();
    for (const [index, { label, confidence, classes }] of expected.entries()) {
      expect(answers[index].label).toBe(label);
      expect(answers[index].confidence).toBeCloseTo(confidence, 5);
      expect(answers[index].classes.map((each: { label: string }) => each.label)).toEqual(
        classes.map((each) => each.label),
      );
      expect(together[index]).toEqual(answers[index]);
    }
  });

  it("refuses pictures that would not fit into memory, and unpacks no more than their headers say", async () => {
    const huge = encodePng({ width: 30_000, height: 30_000, rows: new Uint8Array(10) });
    const post = (body: Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(served.url, { method: "POST", body, headers: { "content-type": "image/png" } });
    const tooLarge = await problemOf(await post(huge), 413);
    expect(tooLarge.type).toBe("urn:cifar:problem:picture-too-large");
    expect(tooLarge.detail).toContain("30000×30000");
    expect(tooLarge.detail).toContain("resize it, to 1024×1024 for instance");
    const before = process.memoryUsage().rss;
    const bomb = encodePng({ width: 32, height: 32, rows: new Uint8Array(2 ** 29) });
    expect(bomb.length).toBeLessThan(600_000);
    const grown = process.memoryUsage().rss;
    expect((await post(bomb)).status).toBe(200);
    expect(process.memoryUsage().rss - Math.max(before, grown)).toBeLessThan(2 ** 26);
  });
});

describe("with the weights that ship", () => {
  const fixture = (name: string): Uint8Array<ArrayBuffer> =>
    new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));

  it("knows drawings in the files that a browser writes, JPEG and PNG, whichever way they come", async () => {
    const modelPath = fileURLToPath(new URL("../../cifar/models/cifar10.safetensors", import.meta.url));
    const served = await serve({ path: "", modelPath, remove: () => undefined });
    const post = async (body: BodyInit, type?: string): Promise<unknown> => {
      const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
      return (await fetch(`${served.url}/?top=1`, { method: "POST", body, headers })).json();
    };
    const ship = await post(fixture("ship.jpeg"), "image/jpeg");
    expect(ship).toMatchObject({ label: "ship" });
    expect(await post(fixture("airplane.png"), "image/png")).toMatchObject({ label: "airplane" });
    const image = Buffer.from(fixture("ship.jpeg")).toString("base64");
    expect(await post(JSON.stringify({ image }), "application/json")).toEqual(ship);
    const form = new FormData();
    for (const name of ["ship.jpeg", "automobile.jpeg"]) {
      form.append("image", new Blob([fixture(name)], { type: "image/jpeg" }), name);
    }
    expect(await post(form)).toEqual([ship, expect.objectContaining({ label: "automobile" })]);
    // As phones and sloppy programs leave it: with a line feed after its end, a film, or filled up to the size of planes.
    const whole = [...fixture("ship.jpeg")];
    const film = new Array<number>(5000).fill(0x5a);
    const nulls = new Array<number>(3072 - whole.length).fill(0);
    for (const longer of [
      [...whole, 0x0a],
      [...whole, ...film],
      [...whole, ...nulls],
    ].map((each) => new Uint8Array(each))) {
      const inForm = new FormData();
      inForm.append("image", new Blob([longer]), "a.jpg");
      expect(await post(inForm)).toEqual([ship]);
      expect(await post(longer)).toEqual(ship);
      const inJson = JSON.stringify({ image: Buffer.from(longer).toString("base64") });
      expect(await post(inJson, "application/json")).toEqual(ship);
    }
    await end(served);
  });
});

describe("with another network", () => {
  it("takes its number of pixels, its channels and its classes from the model file", async () => {
    const model = new Sequential({
      input: [8, 8, 1],
      layers: [conv2d({ filters: 4, kernel: 3, padding: 1 }), relu(), flatten(), linear({ outputs: 2 })],
    }).initialise({ method: "pytorch", seed: 1 });
    const card = { classes: ["dark", "light"], normalisation: { mean: [0.5], deviation: [0.25] } };
    const served = await serve(makeFunctionFolder(model, card));
    const of = async (body: Uint8Array<ArrayBuffer>, type: string): Promise<{ classes: unknown[]; input: string }> =>
      (await fetch(`${served.url}/?input=true`, { method: "POST", body, headers: { "content-type": type } })).json();
    const planes = await of(new Uint8Array(64).fill(128), "application/octet-stream");
    const file = await of(encodePng({ width: 20, height: 20 }), "image/png");
    expect(planes.classes).toHaveLength(2);
    expect(file).toEqual(planes);
    const records = new Uint8Array(65 * 3);
    records[65] = 1;
    const evaluation = await (await fetch(`${served.url}/evaluate`, { method: "POST", body: records })).json();
    expect(evaluation).toMatchObject({
      total: 3,
      classes: [
        { label: "dark", total: 2 },
        { label: "light", total: 1 },
      ],
    });
    expect(await (await fetch(`${served.url}/accuracy`)).json()).toEqual({ accuracy: null });
    await end(served);
  });
});

describe("the version", () => {
  it("is that of the package", () => {
    expect(VERSION).toBe(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
  });
});

describe("with a network whose weights are too large to compute with", () => {
  // Of a black picture it says nothing; of any light in its first pixel, infinity.
  const model = new Sequential({ input: [32, 32, 3], layers: [flatten(), linear({ outputs: 10 })] });
  model.parameters.get("1.weight")!.data.fill(3e38, 0, 10);
  let served: Served;

  beforeAll(async () => {
    served = await serve(makeFunctionFolder(model, { normalisation: { mean: [0, 0, 0], deviation: [0.1, 1, 1] } }));
  });
  afterAll(() => end(served));

  const dark = new Uint8Array(3072);
  const bright = new Uint8Array(3072).fill(255);
  const post = (body: Uint8Array<ArrayBuffer>, path = "") =>
    fetch(served.url + path, { method: "POST", body, headers: { "content-type": "application/octet-stream" } });

  it("refuses a picture without an answer by name, never with null for a probability", async () => {
    expect(await problemOf(await post(bright), 500)).toEqual({
      type: "urn:cifar:problem:no-answer",
      title: "The network has no answer",
      status: 500,
      detail: "The model's answer to a picture is not a number: its weights are too large to compute with.",
    });
    const evaluation = await post(Uint8Array.from([3, ...bright]), "/evaluate");
    expect((await problemOf(evaluation, 500)).type).toBe("urn:cifar:problem:no-answer");
  });

  it("answers those that came at the same moment", async () => {
    const bodies = Array.from({ length: 24 }, (_, index) => (index % 6 === 0 ? bright : dark));
    const answers = await Promise.all(bodies.map((body) => post(body)));
    expect(answers.map(({ status }) => status)).toEqual(bodies.map((body) => (body === bright ? 500 : 200)));
    for (const answer of answers.filter(({ status }) => status === 200)) {
      expect((await answer.json()).confidence).toBeCloseTo(0.1, 5);
    }
  });
});

describe("what a model file claims and cannot have measured", () => {
  it.each<[string, number, string | undefined]>([
    ["no picture", 0, "CIFAR-10 test"],
    ["a million billions of pictures", 1e15, "CIFAR-10 test"],
    ["less than none", -1, "CIFAR-10 test"],
    ["half a picture", 0.5, "CIFAR-10 test"],
    ["one picture", 1, "1 pictures of CIFAR-10 test"],
  ])("is not told of: %s", async (_, total, measuredOn) => {
    const { accuracy } = MADE_UP_RECORD;
    const confusion = [[total], ...accuracy.confusion.slice(1)];
    const curve = [
      { epoch: total, trainLoss: 1 },
      { epoch: 2, validationAccuracy: 7, trainLoss: 1 },
    ];
    const folder = makeFunctionFolder(undefined, {
      accuracy: { ...accuracy, accuracy: total === 1 ? 1 : 7, total, confusion },
      training: { curve },
    });
    const served = await serve(folder);
    const card = await (await fetch(served.url)).json();
    await end(served);
    expect(card).toMatchObject({ accuracy: total === 1 ? 1 : null, measuredOn });
    expect(card.confusion).toBeUndefined();
    expect(card.curve).toEqual(
      total === 1
        ? [
            { epoch: 1, loss: 1 },
            { epoch: 2, loss: 1 },
          ]
        : [{ epoch: 2, loss: 1 }],
    );
  });
});
