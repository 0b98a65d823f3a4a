import { describe, expect, it } from "vitest";
import { describe as answerOf, argmax } from "../src/classifier.ts";

const CLASSES = ["cat", "dog", "frog"];

describe("an answer", () => {
  it("names equally probable classes in their own order, and cuts them off in it", () => {
    const answer = answerOf(Float32Array.of(0.25, 0.5, 0.25), CLASSES, 2);
    expect(answer).toEqual({
      label: "dog",
      confidence: 0.5,
      classes: [
        { label: "dog", probability: 0.5 },
        { label: "cat", probability: 0.25 },
      ],
    });
    expect(answerOf(Float32Array.of(0.5, 0, 0.5), CLASSES, 3).classes.map(({ label }) => label)).toEqual([
      "cat",
      "frog",
      "dog",
    ]);
  });

  it("names the more probable one first where six digits are the same, as what is counted by", () => {
    const probabilities = Float32Array.of(0.499_999_9, 0.500_000_1, 0);
    expect(answerOf(probabilities, CLASSES, 1)).toMatchObject({ label: "dog", confidence: 0.5 });
    expect(argmax(probabilities, 0, 3)).toBe(1);
  });
});

describe("the largest probability", () => {
  it("is the first of equal ones, of the picture that is asked for", () => {
    const probabilities = Float32Array.of(0.5, 0.5, 0, 0.2, 0.4, 0.4, 0, 0, 1);
    expect([0, 1, 2].map((picture) => argmax(probabilities, picture, 3))).toEqual([0, 1, 2]);
  });
});
