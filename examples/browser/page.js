// Classifies a picture in the page itself: nothing leaves it.
import { toInput } from "@cifar/cifar/browser";
import { createPredictor, loadModel } from "@cifar/cnn";

const response = await fetch("model.safetensors");
const { model, card } = loadModel(new Uint8Array(await response.arrayBuffer()));
const predictor = await createPredictor(model, { ...card, threads: 1 });

const input = /** @type {HTMLInputElement} */ (document.querySelector("input"));
const output = /** @type {HTMLOutputElement} */ (document.querySelector("output"));
input.addEventListener("change", async () => {
  const [file] = input.files ?? [];
  if (file === undefined) return;
  output.value = "";
  try {
    const [answer] = await predictor.classify(toInput(await readPicture(file), 32));
    if (answer !== undefined) output.value = `${answer.label}, ${(100 * answer.confidence).toFixed(1)} %`;
  } catch (error) {
    output.value = error instanceof Error ? error.message : String(error);
  }
});

/**
 * Red, green and blue of each pixel, transparent parts over white.
 * @param {File} file
 */
async function readPicture(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name}: this browser cannot read it as a picture`);
  });
  const { width, height } = bitmap;
  const canvas = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  canvas.fillStyle = "white";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(bitmap, 0, 0);
  const pixels = canvas.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    data.set(pixels.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  }
  return { width, height, data };
}
