import { readFile } from "node:fs/promises";
import { loadModel } from "@cifar/cnn";
import { chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, LAUNCH_WITH_GPU, NO_CHROMIUM } from "../../../../../vitest.chromium.ts";
import { awaitStatus, awaitStep, coloursOf, drop, labelsBeside, ServedPage } from "./support/served-page.js";

// Far beyond what it takes: a browser, its threads and a build share whatever cores there are.
const PATIENCE = 180_000;

describe.skipIf(CHROMIUM === undefined)(`the playground in Chromium${NO_CHROMIUM}`, { timeout: PATIENCE }, () => {
  let served: ServedPage;
  beforeAll(async () => {
    served = await ServedPage.open();
  });
  afterEach(() => served.closePages());
  afterAll(() => served?.close());

  it("trains on drawn shapes: the loss falls, and curves, filters and activations are drawn", async () => {
    const page = await served.visit("count=128&epochs=4&threads=1");
    await page.evaluate(() => {
      const losses: string[] = [];
      const tile = document.getElementById("loss")!;
      new MutationObserver(() => losses.push(tile.textContent!)).observe(tile, { childList: true });
      Object.assign(globalThis, { losses });
    });
    await page.click("#go");
    await awaitStatus(page, "Trained: 8 steps.");
    const losses = (await page.evaluate<string[]>("losses")).map(Number).filter((loss) => loss > 0);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(await page.getAttribute("#accuracy-chart", "aria-label")).toMatch(/^\d+\.\d % .* at step 8 of 8$/);
    expect(await page.textContent("#accuracy")).toMatch(/^\d+\.\d %$/);
    expect(Number(await page.textContent("#speed"))).toBeGreaterThan(0);
    for (const colours of await coloursOf(page, ".chart canvas")) expect(colours).toBeGreaterThan(10);
    for (const colours of await coloursOf(page, "#filters")) expect(colours).toBeGreaterThan(100);
    const stages = await coloursOf(page, "#stages canvas");
    expect(stages).toHaveLength(6);
    for (const colours of stages) expect(colours).toBeGreaterThan(100);
  });

  it("stops, goes on where it stood with backend reference, and a saved model says the same elsewhere", async () => {
    const page = await served.visit("count=128&epochs=100&threads=1");
    await page.click("#go");
    await awaitStep(page, 3);
    await page.getByRole("button", { name: "Stop" }).click();
    const [, stopped] = /after step (\d+) of 200/.exec(await awaitStatus(page, "Stopped"))!;

    await page.selectOption("#backend", "reference");
    await page.getByRole("button", { name: "Go on" }).click();
    await awaitStatus(page, "reference");
    await awaitStep(page, Number(stopped) + 1);
    await page.getByRole("button", { name: "Stop" }).click();
    await awaitStatus(page, "Stopped");
    const trained = await page.locator("#speeds tbody td:first-child").allTextContents();
    expect(trained).toEqual([expect.stringMatching(/^wasm/), expect.stringMatching(/^reference/)]);

    const answer = await page.locator("#bars").textContent();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Save model").click()]);
    expect(download.suggestedFilename()).toBe("model.safetensors");
    const file = await download.path();
    const { card } = loadModel(await readFile(file));
    expect(card.training).toMatchObject({ recipe: "fast", data: "shapes" });

    const other = await served.visit("count=64");
    const bytes = await readFile(file);
    await other.setInputFiles("#model-file", { name: "mine.safetensors", mimeType: "", buffer: bytes });
    await awaitStatus(other, "Loaded mine.safetensors: 143,018 weights, 10 classes");
    await other.locator("#bars .percent").first().waitFor();
    expect(await other.locator("#bars").textContent()).toBe(answer);
  });

  it("says in one line which file is wrong, and why", async () => {
    const page = await served.visit("count=64");
    const message = page.locator("#message");
    await drop(page, { "notes.txt": "milk" });
    await message
      .getByText(/^notes\.txt is no file of CIFAR-10 .*, no model \(\.safetensors\) and no picture$/)
      .waitFor();
    await drop(page, { "data_batch_1.bin": "cut off" });
    await message.getByText("data_batch_1.bin: expected records of 3073 bytes, found 7 bytes").waitFor();
    await drop(page, { "test_batch.bin": "" });
    await message.getByText("there is no file to train on").waitFor();
    await drop(page, { "mine.safetensors": "not a model" });
    await message.getByText(/^mine\.safetensors: safetensors/).waitFor();
    // The page stands where it stood.
    expect(await page.isEnabled("#go")).toBe(true);
    expect(await page.textContent("#status")).toBe("Ready.");
    expect(await page.textContent("#data-name")).toMatch(/^shapes: 64 pictures/);
  });

  it("says what a field takes instead of taking another number", async () => {
    const page = await served.visit("count=64&epochs=0&threads=1");
    const message = page.locator("#message");
    await page.click("#go");
    await message.getByText(/^Epochs: .*1/).waitFor();
    await page.fill("#epochs", "1");
    await page.fill("#threads", "100");
    await page.click("#go");
    await message.getByText(/^Threads: .*64/).waitFor();
    await page.fill("#count", "10");
    await page.press("#count", "Enter");
    await message.getByText(/^Shapes to draw: .*64/).waitFor();
    expect(await page.inputValue("#threads")).toBe("100");
    expect(await page.textContent("#status")).toBe("Ready.");
    expect(await page.textContent("#data-name")).toMatch(/^shapes: 64 pictures/);
    await page.fill("#threads", "1");
    await page.click("#go");
    await awaitStatus(page, "Trained");
    expect(await message.isVisible()).toBe(false);
  });

  it("writes no number twice beside a chart, even where there is no curve yet", async () => {
    const page = await served.visit("count=64");
    const labels = await labelsBeside(page, "loss-chart");
    expect(labels.length).toBeGreaterThan(2);
    expect(new Set(labels).size).toBe(labels.length);
  });

  it("takes CIFAR-10's files as they are dropped", async () => {
    const page = await served.visit("count=64");
    const record = (label: number) => String.fromCharCode(label) + "x".repeat(3072);
    await drop(page, {
      "data_batch_2.bin": record(3) + record(9),
      "data_batch_1.bin": record(0),
      "test_batch.bin": record(8),
    });
    await page.getByText("CIFAR-10: 3 pictures, 1 to test with").waitFor();
    expect(await page.locator("#samples button").getAttribute("aria-label")).toBe("ship");
  });

  it("fits a phone and is worked by keyboard alone", async () => {
    const page = await served.visit("count=64&epochs=1&threads=1", { width: 360 });
    await page.focus("#go");
    await page.keyboard.press("Enter");
    await awaitStatus(page, "Trained");
    const second = page.locator("#samples button").nth(1);
    await second.focus();
    await page.keyboard.press("Enter");
    expect(await second.getAttribute("aria-pressed")).toBe("true");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  it("starts backend gpu in its worker, and says where it is but an imitation", async () => {
    // In a browser of its own: rendering in software takes all of a machine, and minutes a step.
    const browser = await chromium.launch(LAUNCH_WITH_GPU);
    try {
      const page = await served.visit("count=64&epochs=1&backend=gpu", { browser });
      await page.click("#go");
      expect(await awaitStatus(page, "Training")).toMatch(/^Training with backend gpu \(gpu\.js, Web(GPU|GL2)\)\.$/);
      expect(await page.textContent("#message")).toMatch(/imitates one/);
    } finally {
      await browser.close();
    }
  });

  it("asks nobody but its own server, and only for its files", async () => {
    const page = await served.visit("count=64&epochs=1&threads=2");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.click("#go");
    await awaitStatus(page, "Trained");
    expect(await page.locator("#speeds tbody td:nth-child(2)").allTextContents()).toEqual(["2"]);
    await expect(page.evaluate(() => fetch(location.href))).rejects.toThrow();
    const strangers = served.requests.filter((url) => !url.startsWith(`${served.origin}/`) && !url.startsWith("blob:"));
    expect(strangers).toEqual([]);
  });
});
