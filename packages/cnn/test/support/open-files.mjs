/**
 * Opens model files and classifies a picture with those that are models; prints what came of each, and the most memory that
 * the process ever had. A program, since that is told of whole processes only.
 */
import { readFile } from "node:fs/promises";
import { createPredictor, loadModel } from "@cifar/cnn";

const outcomes = [];
for (const path of process.argv.slice(2)) {
  try {
    const { model, card } = loadModel(await readFile(path));
    const predictor = await createPredictor(model, { ...card, threads: 1 });
    await predictor.predict(new Uint8Array(model.input.reduce((size, side) => size * side, 1)));
    predictor.close();
    outcomes.push("answers");
  } catch (error) {
    outcomes.push(`${error.name} ${error.code}: ${error.message}`);
  }
}
// Kibibytes, by getrusage.
console.log(JSON.stringify({ outcomes, megabytes: process.resourceUsage().maxRSS / 1024 }));
