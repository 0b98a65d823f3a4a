// Classifies a picture in the page itself: nothing leaves it.
import { createPredictor, loadModel } from "@cifar/cnn";

const response = await fetch("model.safetensors");
const { model, card } = loadModel(new Uint8Array(await response.arrayBuffer()));
const predictor = await createPredictor(model, { ...card, threads: 1 });

const input = /** @type {HTMLInputElement} */ (document.querySelector("input"));
const output = /** @type {HTMLOutputElement} */ (document.querySelector("output"));
input.addEventListener("change", async () => {
  const [file] = input.files ?? [];
  if (file === undefined) return;
  const picture = await createImageBitmap(file, { resizeWidth: 32, resizeHeight: 32, resizeQuality: "high" });
  const canvas = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(32, 32).getContext("2d"));
  canvas.drawImage(picture, 0, 0);
  const { data } = canvas.getImageData(0, 0, 32, 32);
  const [answer] = await predictor.classify(Uint8Array.from(data.filter((_, index) => index % 4 < 3)));
  output.value = answer === undefined ? "" : `${answer.label}, ${(100 * answer.confidence).toFixed(1)} %`;
});
