import { CnnError, createPredictor, type LoadedModel, type Predictor, type PredictorOptions } from "@cifar/cnn";
import { readModelFile } from "@cifar/cnn/node";
import { cardOf } from "./card.js";
import { type Batch, type Card, type Classifier, noAnswer, ONE_BY_ONE, type PictureShape } from "./classifier.js";
import type { Config } from "./config.js";
import type { Logger } from "./log.js";
import { nextTurn, Pacer, settle } from "./warm-up.js";

/** A batch keeps its first picture waiting for its last: each picture of it must take this much less time. */
const WORTHWHILE = 0.95;

/** When the network that answers first is replaced by a faster one: after the requests that waited for the start. */
const IMPROVE_AFTER_MS = 250;

export interface LoadOptions {
  readonly config: Config;
  readonly logger: Logger;
  /**
   * Switches on what a program may and a library may not, such as flags of V8; says what came of it. It waits for `breathe`
   * between steps of its own.
   */
  readonly tune?: ((breathe: () => Promise<void>) => Promise<string>) | undefined;
}

/**
 * Reads a model file and makes its network ready to answer single pictures; its kernels have run before this resolves.
 * Batches and tuning follow in the background.
 * @throws CnnError INVALID_FILE
 */
export async function loadClassifier(options: LoadOptions): Promise<Classifier> {
  const { config, logger } = options;
  const loaded = await readModelFile(config.modelPath);
  const classifier = await NetworkClassifier.open(loaded, options);
  logger.log("info", "model loaded", { digest: loaded.digest, computes: classifier.description });
  return classifier;
}

/** One network, compiled for one picture and for a batch of them. */
class NetworkClassifier implements Classifier {
  readonly classes: readonly string[];
  readonly shape: PictureShape;
  readonly card: Card;
  readonly #loaded: LoadedModel;
  readonly #options: LoadOptions;
  readonly #size: number;
  #single: Predictor;
  #many: Predictor;
  #batch = ONE_BY_ONE;
  #closed = false;
  #timer: NodeJS.Timeout;

  private constructor(loaded: LoadedModel, options: LoadOptions, single: Predictor) {
    this.#loaded = loaded;
    this.#options = options;
    this.classes = loaded.card.classes;
    this.card = cardOf(loaded);
    this.shape = shapeOf(loaded);
    this.#size = this.shape.reduce((size, side) => size * side, 1);
    this.#single = single;
    this.#many = single;
    this.#timer = setTimeout(() => void this.#improve(), IMPROVE_AFTER_MS);
  }

  static async open(loaded: LoadedModel, options: LoadOptions): Promise<NetworkClassifier> {
    const shape = shapeOf(loaded);
    let opening = true;
    const breathe = (): Promise<void> | undefined => (opening ? nextTurn() : undefined);
    const single = await makePredictor(loaded, options, { batchSize: 1, breathe });
    await single.predict(new Uint8Array(shape[0] * shape[1] * shape[2]));
    opening = false;
    return new NetworkClassifier(loaded, options, single);
  }

  get batch(): Batch {
    return this.#batch;
  }

  get description(): string {
    return this.#single.description;
  }

  async predict(pictures: Uint8Array): Promise<Float32Array> {
    try {
      // A batch that is not full takes as long as a full one.
      return await (pictures.length < this.#batch.fewest * this.#size ? this.#single : this.#many).predict(pictures);
    } catch (thrown) {
      throw thrown instanceof CnnError && thrown.code === "NOT_FINITE" ? noAnswer(thrown) : thrown;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#single.close();
    this.#many.close();
  }

  /** Compiles the network anew with all that this machine can do, and finds out whether batches are faster. */
  async #improve(): Promise<void> {
    const { config, logger, tune } = this.#options;
    const most = config.maxBatch;
    const pacer = new Pacer();
    const made: Predictor[] = [];
    const make = async (batchSize: number): Promise<Predictor> => {
      const predictor = await makePredictor(this.#loaded, this.#options, { batchSize, breathe: pacer.breathe });
      made.push(predictor);
      return predictor;
    };
    try {
      const tuned = await tune?.(() => pacer.rest());
      const single = await make(1);
      const many = most > 1 ? await make(most) : undefined;
      // All get the same work, whatever they do at once.
      const pictures = new Uint8Array(this.#size * most);
      const trials = made.map((predictor) => () => pacer.time(() => predictor.predict(pictures)));
      const settled = await settle(trials, () => !this.#closed);
      pacer.end();
      if (this.#closed) {
        closeAll(made);
        return;
      }
      const [alone = Number.NaN, together = Number.NaN] = settled ?? [];
      const fewest = Math.ceil(together / ((WORTHWHILE * alone) / most));
      const batched = many !== undefined && fewest <= most;
      // Calls under way are finished by the old one before it closes.
      this.#single.close();
      this.#single = single;
      this.#many = batched ? many : single;
      this.#batch = batched ? { fewest, most } : ONE_BY_ONE;
      if (!batched) many?.close();
      logger.log("info", "network improved", {
        computes: single.description,
        tuned,
        batchFrom: batched ? fewest : undefined,
        msAlone: rounded(alone / most),
        msBatch: rounded(together),
        settled: settled !== undefined,
      });
    } catch (thrown) {
      closeAll(made);
      // What answers already goes on answering.
      logger.log("error", "network not improved", { cause: thrown instanceof Error ? thrown.stack : String(thrown) });
    }
  }
}

function closeAll(predictors: readonly Predictor[]): void {
  for (const predictor of predictors) {
    predictor.close();
  }
}

function shapeOf({ model }: LoadedModel): PictureShape {
  const [height, width, channels] = model.input;
  if (height === undefined || width === undefined || channels === undefined || model.input.length !== 3) {
    throw new Error(`The network takes [${model.input.join(", ")}]; pictures are [height, width, channels].`);
  }
  return [height, width, channels];
}

function makePredictor(
  { model, card }: LoadedModel,
  { config, logger }: LoadOptions,
  how: Pick<PredictorOptions, "batchSize" | "breathe">,
): Promise<Predictor> {
  return createPredictor(model, {
    normalisation: card.normalisation,
    classes: card.classes,
    ...(card.temperature === undefined ? {} : { temperature: card.temperature }),
    threads: config.threads,
    ...how,
    onNotice: (line) => logger.log("warn", line),
  });
}

/** For the log; undefined for what was not measured. */
function rounded(milliseconds: number): number | undefined {
  return Number.isNaN(milliseconds) ? undefined : Math.round(100 * milliseconds) / 100;
}
