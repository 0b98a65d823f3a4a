import { describe, expect, it } from "vitest";
import { recipeOf, recipes } from "../src/recipes.js";
import { recipeRows } from "../src/report/recipe-rows.js";

describe("a recipe", () => {
  it("takes changes for one run, and says in its description that it did", () => {
    const changed = recipeOf("fast", { epochs: 1, batchSize: 32, learningRate: 0.5, dropout: 0.1, heldOut: 500 });
    expect(changed).toMatchObject({ name: "fast", dropout: 0.1, heldOut: 500 });
    expect(changed.training).toMatchObject({ epochs: 1, batchSize: 32, optimiser: { learningRate: 0.5 } });
    expect(changed.training.optimiser.muon).toEqual(recipes["fast"]!.training.optimiser.muon);
    expect(changed.description).toBe(
      `${recipes["fast"]!.description}; changed: epochs 1, batch 32, learning rate 0.5, dropout 0.1, held out 500`,
    );
    expect(recipeOf("fast")).toEqual(recipes["fast"]);
  });

  it("is told in rows of what it sets", () => {
    const rows = new Map(recipeRows(recipeOf("best")));
    expect(rows.get("filters")).toBe("Muon 0.014, momentum 0.9, weight decay 0.01");
    expect(rows.get("optimiser")).toBe("SGD 0.03, momentum 0.9 (Nesterov), weight decay 0.0005");
  });

  it("that nobody knows is refused with those that there are", () => {
    expect(() => recipeOf("toString")).toThrow("there is no recipe toString: choose of paper, fast, best");
  });
});
