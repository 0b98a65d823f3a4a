import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dataDigest } from "@cifar/cnn";
import { describe, expect, it } from "vitest";
import { loadCifar10 } from "../src/dataset/cifar10.js";
import { CIFAR10_CLASSES } from "../src/dataset/cifar10-files.js";
import { pretrained } from "../src/pretrained.js";
import { measure } from "../src/training/measure.js";
import { cifar10Directory } from "./cifar10-directory.js";
import { cifar } from "./command.js";

const shipped = existsSync(fileURLToPath(new URL("../models/cifar10.safetensors", import.meta.url)));

describe.skipIf(!shipped)("the weights that come with the package (skipped where this copy has none)", () => {
  it("say what made them and what they can do", async () => {
    const { model, card } = await pretrained();
    expect(model.parameterCount).toBe(143_018);
    expect(card.classes).toEqual(CIFAR10_CLASSES);
    expect(card.training).toMatchObject({
      recipe: { name: expect.any(String), training: { epochs: expect.any(Number) } },
      seed: expect.any(Number),
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      data: { pictures: expect.any(Number), digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(card.accuracy).toMatchObject({ total: 10_000, interval: { level: 0.95 } });
    expect(card.accuracy?.["perClass"]).toHaveLength(10);
  });

  it.skipIf(cifar10Directory === undefined)(
    "have exactly the accuracy on CIFAR-10's test set that they claim (skipped without it: set CIFAR10_DIR)",
    { timeout: 120_000 },
    async () => {
      const { model, card } = await pretrained();
      const { test } = await loadCifar10({ directory: cifar10Directory! });
      expect(dataDigest(test)).toBe(card.accuracy?.["digest"]);
      const { normalisation, temperature = 1 } = card;
      const { evaluation, flipAveraged, calibrated } = await measure(model, test, { normalisation, temperature });
      const { correct, perClass, confusion } = evaluation;
      expect(card.accuracy).toMatchObject({
        correct,
        perClass,
        confusion,
        flipAveraged: { correct: flipAveraged.correct },
      });
      expect(card.accuracy?.["calibration"]).toMatchObject({ errorAfter: calibrated.error });
    },
  );
});

describe.skipIf(shipped)("a copy of the package without weights (skipped where there are some)", () => {
  it("says so in one line, and what to do", async () => {
    await expect(pretrained()).rejects.toMatchObject({ code: "NOT_FOUND" });
    const { status, stderr } = await cifar(["classify", "-"]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^cifar: this copy of @cifar\/cifar comes without weights: name a model.*\n$/);
  });
});
