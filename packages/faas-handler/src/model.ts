import { readFile } from "node:fs/promises";
import { createPredictor, loadModel, type Predictor } from "@cifar/cnn";
import { cardOf } from "./card.js";
import type { Classifier, PictureShape } from "./classifier.js";
import type { Config } from "./config.js";
import type { Logger } from "./log.js";

/** Batches of more than one must be this much faster for each picture: they keep their first picture waiting. */
const WORTHWHILE = 0.95;

/**
 * Reads a model file and makes its network ready to answer: kernels are made and have run before this resolves.
 * @throws CnnError INVALID_FILE
 */
export async function loadClassifier(config: Config, logger: Logger): Promise<Classifier> {
  const loaded = loadModel(new Uint8Array(await readFile(config.modelPath)));
  const { model, card } = loaded;
  const [height, width, channels] = model.input;
  if (height === undefined || width === undefined || channels === undefined || model.input.length !== 3) {
    throw new Error(`The network takes [${model.input.join(", ")}]; pictures are [height, width, channels].`);
  }
  const shape: PictureShape = [height, width, channels];
  const make = (batchSize: number): Promise<Predictor> =>
    createPredictor(model, {
      normalisation: card.normalisation,
      classes: card.classes,
      ...(card.temperature === undefined ? {} : { temperature: card.temperature }),
      threads: config.threads,
      batchSize,
      onNotice: (line) => logger.log("warn", line),
    });
  const single = await make(1);
  const many = config.maxBatch > 1 ? await make(config.maxBatch) : single;
  const size = height * width * channels;
  const alone = await secondsFor(single, new Uint8Array(size));
  const together = (await secondsFor(many, new Uint8Array(size * config.maxBatch))) / config.maxBatch;
  const batch = together < WORTHWHILE * alone ? config.maxBatch : 1;
  logger.log("info", "model loaded", {
    digest: loaded.digest,
    computes: single.description,
    batch,
    msPicture: Math.round(1e5 * Math.min(alone, together)) / 100,
  });
  return {
    classes: card.classes,
    shape,
    card: cardOf(loaded),
    batch,
    predict: (pictures) => (pictures.length > size ? many : single).predict(pictures),
    async close() {
      single.close();
      many.close();
    },
  };
}

/** The better of two calls, the first of which also makes the engine compile what it needs. */
async function secondsFor(predictor: Predictor, pictures: Uint8Array): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < 2; call++) {
    const started = performance.now();
    await predictor.predict(pictures);
    times.push((performance.now() - started) / 1000);
  }
  return Math.min(...times);
}
