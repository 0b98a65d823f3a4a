import { permutation, philox4x32, STREAMS, seedKey } from "@cifar/tensor";
import type { Dataset } from "./dataset.js";
import type { TrainingPlan } from "./fit-options.js";
import { PictureWriter, type Placement } from "./pictures.js";

/** What the numbers of the augmentation are for: streams next to each other. */
const AUGMENT_STEP = STREAMS.augmentation;
const AUGMENT_FIRST_SIDE = STREAMS.augmentation + 1;

/** Where pictures are put; there may be more room than a batch needs. */
export interface BatchTarget {
  /** [pictures, height, width, channels], normalised; absent pictures are zeros. */
  readonly images: Float32Array;
  /** −1 for an absent picture. */
  readonly labels: Int32Array;
}

/**
 * The training pictures of each step. What a step shows follows from seed, epoch and step alone, so a run may start
 * anywhere: the order of an epoch is a permutation keyed by (seed, epoch), a picture's change is keyed by (seed, step,
 * position in the batch), and the side that `alternating` starts with by (seed, picture).
 */
export class Batches {
  readonly stepsPerEpoch: number;
  readonly #target: BatchTarget;
  readonly #dataset: Dataset;
  readonly #plan: Pick<TrainingPlan, "batchSize" | "seed" | "augment">;
  readonly #writer: PictureWriter;
  readonly #placement: Placement = { picture: 0, slot: 0, mirrored: false, down: 0, right: 0 };
  readonly #key: Uint32Array;
  readonly #counter = new Uint32Array(4);
  readonly #words = new Uint32Array(4);
  #order: Uint32Array = new Uint32Array(0);
  #epoch = -1;

  constructor(
    dataset: Dataset,
    plan: Pick<TrainingPlan, "batchSize" | "seed" | "augment" | "normalisation">,
    target: BatchTarget,
  ) {
    this.#dataset = dataset;
    this.#plan = plan;
    this.#writer = new PictureWriter(dataset.shape, plan.normalisation);
    this.#key = seedKey(plan.seed);
    this.#target = target;
    this.stepsPerEpoch = Math.ceil(dataset.count / plan.batchSize);
  }

  /**
   * Fills the target with the pictures of a step, counted from 0 over the whole run.
   * @returns how many they are: fewer than the batch size at the end of an epoch
   */
  fill(step: number): number {
    const { batchSize, seed } = this.#plan;
    const { count, images, labels } = this.#dataset;
    const target = this.#target;
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      this.#order = permutation(count, { seed, stream: STREAMS.pictureOrder, step: epoch });
      this.#epoch = epoch;
    }
    const from = (step % this.stepsPerEpoch) * batchSize;
    const pictures = Math.min(batchSize, count - from);
    for (let slot = 0; slot < pictures; slot++) {
      const picture = this.#order[from + slot]!;
      this.#place(picture, slot, step);
      this.#writer.write(images, target.images, this.#placement);
      target.labels[slot] = labels[picture]!;
    }
    target.labels.fill(-1, pictures);
    target.images.fill(0, pictures * this.#writer.size);
    return pictures;
  }

  #place(picture: number, slot: number, step: number): void {
    const { flip, shift } = this.#plan.augment;
    const placement = this.#placement;
    placement.picture = picture;
    placement.slot = slot;
    if (flip === "none" && shift === 0) return;
    const words = this.#draw(slot, step, AUGMENT_STEP);
    const moves = 2 * shift + 1;
    // The remainder of 32 bits by a few pixels is as good as uniform: it errs by less than 1e-8.
    placement.down = (words[1]! % moves) - shift;
    placement.right = (words[2]! % moves) - shift;
    if (flip === "random") placement.mirrored = (words[0]! & 1) === 1;
    else if (flip === "alternating") {
      const first = this.#draw(picture, 0, AUGMENT_FIRST_SIDE)[0]! & 1;
      placement.mirrored = ((first + this.#epoch) & 1) === 1;
    }
  }

  #draw(index: number, step: number, stream: number): Uint32Array {
    const counter = this.#counter;
    counter[0] = 0;
    counter[1] = index;
    counter[2] = step;
    counter[3] = stream;
    philox4x32(counter, this.#key, this.#words);
    return this.#words;
  }
}
