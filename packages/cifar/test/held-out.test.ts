import type { Dataset } from "@cifar/cnn";
import { describe, expect, it } from "vitest";
import { normalisationOf } from "../src/dataset/normalisation.js";
import { recipes } from "../src/recipes.js";
import { splitTraining } from "../src/training/settings.js";

/** Pictures of one pixel, each of another value. */
function numbered(count: number): Dataset {
  return {
    name: "numbered",
    images: Uint8Array.from({ length: count }, (_, index) => index),
    labels: Uint8Array.from({ length: count }, (_, index) => index % 2),
    shape: [1, 1, 1],
    classes: ["even", "odd"],
    count,
  };
}

const split = (count: number, heldOut: number, limit?: number) => {
  const recipe = { ...recipes["paper"]!, heldOut };
  const { train, validation } = splitTraining(numbered(count), { recipe, ...(limit !== undefined && { limit }) });
  return { train: [...train.images], validation: [...(validation?.images ?? [])] };
};

const from = (start: number, end: number) => Array.from({ length: end - start }, (_, index) => start + index);

describe("pictures that are held out", () => {
  it("are the last ones, and none of those that are trained on", () => {
    expect(split(200, 15)).toEqual({ train: from(0, 185), validation: from(185, 200) });
  });

  it("are never more than a tenth", () => {
    expect(split(200, 1000)).toEqual({ train: from(0, 180), validation: from(180, 200) });
    expect(split(19, 1000)).toEqual({ train: from(0, 18), validation: [18] });
    expect(split(9, 1000)).toEqual({ train: from(0, 9), validation: [] });
  });

  it("stay apart from those that are trained on where these are limited", () => {
    expect(split(200, 15, 4)).toEqual({ train: from(0, 4), validation: from(185, 189) });
    expect(split(200, 15, 185)).toEqual({ train: from(0, 185), validation: from(185, 200) });
    expect(split(200, 15, 1000)).toEqual({ train: from(0, 185), validation: from(185, 200) });
  });

  it("have the labels of their pictures", () => {
    const recipe = { ...recipes["paper"]!, heldOut: 15 };
    const { train, validation } = splitTraining(numbered(200), { recipe });
    for (const part of [train, validation!])
      expect([...part.labels]).toEqual([...part.images].map((value) => value % 2));
  });
});

describe("the normalisation of other pictures than CIFAR-10's", () => {
  it("is mean and deviation of each channel, as counted by hand", () => {
    // Red 0, 0, 255, 255: half and half. Green 51 and 153: 0.4 ± 0.2. Blue 102, 102, 102, 204: 0.5 ± 0.2·√3/2.
    const images = Uint8Array.of(0, 51, 102, 0, 51, 102, 255, 153, 102, 255, 153, 204);
    const data: Dataset = { ...numbered(2), images, shape: [1, 2, 3], name: "colours" };
    expect(normalisationOf(data)).toEqual({ mean: [0.5, 0.4, 0.5], deviation: [0.5, 0.2, 0.1732] });
  });

  it("keeps a channel that never changes from dividing by 0", () => {
    const data: Dataset = { ...numbered(2), images: Uint8Array.of(255, 255), name: "white" };
    expect(normalisationOf(data)).toEqual({ mean: [1], deviation: [0.01] });
  });
});
